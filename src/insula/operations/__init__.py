"""What keeps a service honest: who may call it, what it stores and forgets, and a log whose change shows."""
