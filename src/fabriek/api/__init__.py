"""API: REST under /api/v1/. Schemas and routes only. Decides nothing."""
