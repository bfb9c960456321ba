"""How well the guards do on given data, and what they cost: one module per guard, each with `evaluate(rows) -> Report`."""
