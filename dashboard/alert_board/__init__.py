"""What the pages show of the alerts, as values: the course of the rules over a log, rows, bars over time, tables."""
