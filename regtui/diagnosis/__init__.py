"""What `regtui doctor` finds: each step from the registry's name to its garbage collection, with cause and remedy.

async for check in diagnose(target):
    print(check.verdict, check.subject, check.text, check.remedy)
"""
