"""Do the quotes of a report still stand?

    quoted     a report, an answer or any Markdown to the quotes in it, with the addresses they have
    words      is it there, where, and if not, what comes nearest and what differs
    check      each quote against the library as it is now

`qa.assistant.Assistant.verify` is the door.
"""

from qa.verify.check import Check, Verification, verify

__all__ = ["Check", "Verification", "verify"]
