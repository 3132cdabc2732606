"""The outbox: notifications, stored with the event they report and delivered until the receiver accepts them."""
