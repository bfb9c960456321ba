"""What the Live page shows, as plain values: pure functions from frames and times, without Streamlit."""
