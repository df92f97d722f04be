"""The systems outside that the operator has declared by name: what each says, who may name it."""
