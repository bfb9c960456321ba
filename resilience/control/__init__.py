"""Control of a running chain: what may change, how a change survives a crash, and who is told.

    seen version -> settings as a whole -> intent -> .env -> running chain -> log -> state file

The intent is written ahead: whatever step the process dies after, the next start finds either the old settings or
the new ones, and the log says so once.
"""
