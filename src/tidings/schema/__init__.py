"""What follows from the declaration of a resource: JSON Schema, patches, answers, forms."""
