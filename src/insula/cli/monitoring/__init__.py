"""`insula monitor` and `insula trend`: how emotions in a stream of messages develop over time."""
