"""What people read: pure functions from plans, records and verdicts to text."""
