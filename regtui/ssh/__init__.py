"""The system's ssh, so that people's own configuration, agents, jump hosts and hardware keys simply work.

One login is made, and shared: sessions and forwards go through its control socket and never ask anything again.

ssh = Ssh(Destination.parse("admin@registry.example.com"))
ssh.open()                                  # blocks; LoginRefused, HostKeyUnknown: try on_terminal=True
socket = ssh.forward("127.0.0.1", 5000)     # a local socket that leads there
argv = ssh.command("docker ps")             # for any subprocess, with its own stdin and stdout
ssh.close()
"""
