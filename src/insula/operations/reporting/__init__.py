"""Reports on files of messages: emotions by group and over time, the words behind them, quotes, advice."""
