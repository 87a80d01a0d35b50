// The journal of the leases in SQLite.
