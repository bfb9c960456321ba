"""Invented secrets to plant in a log, and the part of each that must not be seen afterwards."""

CANARIES = {
    "sk-or-v1-0123456789abcdef0123456789abcdef": "0123456789abcdef",
    "sk-ant-api03-AbCdEf-012345_6789xyz": "AbCdEf",
    "sk-proj-AAAA1111bbbb2222CCCC": "AAAA1111",
    "sk-live-aaaaaaa\\u006fpenbbbbbbbbbb": "penbbbb",
    "AKIAIOSFODNN7EXAMPLE": "IOSFODNN7",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789": "abcdefghijkl",
    "xoxb-123456789012-abcdefGHIJKL": "123456789012",
    "Bearer abcdefgh12345678.zyx": "abcdefgh12345678",
    "Authorization: Basic dXNlcjpwYXNzd29yZA==": "dXNlcjpw",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJlLWhlcmU": "eyJzdWIi",
    "OPENAI_API_KEY=hunter2hunter2": "hunter2",
    "password: correcthorse": "correcthorse",
    "postgres://metis:tops3cret@db.internal/llm": "tops3cret",
    "success.failed@failed.example.org": "iled@",
    "jane.doe@example.com": "jane.doe",
}
