"""results.json: schema, store, history."""
