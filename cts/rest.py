"""The API's shape: problem+json errors, cursor pages, idempotency of trading writes. No business here."""
