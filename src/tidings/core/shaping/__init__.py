"""From an event to what one webhook gets: filter, enrichment, fields, signature."""
