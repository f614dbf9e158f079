"""One incident under way: the thread that owns it, the responder that changes the world, the watcher."""
