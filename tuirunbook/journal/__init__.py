"""The incident on disk: append, read back, follow, list, prune.

An incident is a directory, `<incidents>/<id>/`, 0700. In it:

- `journal.jsonl`: one line per event, see `lines`;
- `backup-<n>-<store>.json`: a raw lock, 0600, as the restore command wants it, with `backup-<n>-<store>.meta.json`;
- `<command>.log`: what a command printed;
- `writer`: held by the one process that writes, and says who that is, see `claim`.
"""
