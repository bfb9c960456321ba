"""Notifications: from the evaluation to messages for Slack, PagerDuty and a webhook, pure but for sending.py.

    Evaluation + Ledger -> news -> Notice -> Outbox -> Channel.message -> post

docs/alerts.md says who gets what, and shows each message.
"""
