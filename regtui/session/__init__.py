"""One open registry. Both faces hold this, and only this.

session = await open_session(Target(Address.parse("registry.example.com"), credential))
async for page in session.repositories(): ...
"""
