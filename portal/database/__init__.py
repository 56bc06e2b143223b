"""The database engine of settings.DATABASES: Django's for PostgreSQL, with a pool that outlives a restart."""
