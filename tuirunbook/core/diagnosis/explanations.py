"""The sentences of a diagnosis: what happened and what to do next, for someone who was woken up by it."""

from __future__ import annotations

from tuirunbook.core.diagnosis.causes import Cause
from tuirunbook.core.diagnosis.passages import Operation, Passage
from tuirunbook.core.diagnosis.values import BackendStore, Kind, ReportedLock
from tuirunbook.core.text import one_line

STORE_NAMES = {
    BackendStore.DYNAMODB: "the DynamoDB lock table",
    BackendStore.S3: "the S3 lockfile",
    BackendStore.GCS: "the GCS lock object",
    BackendStore.AZURERM: "the Azure blob's lease",
    BackendStore.KUBERNETES: "the Kubernetes lease",
    BackendStore.PG: "the PostgreSQL advisory lock",
    BackendStore.CONSUL: "the Consul lock",
    BackendStore.HTTP: "the HTTP backend",
    BackendStore.LOCAL: "the local state file's lock",
    BackendStore.REMOTE: "the remote workspace's lock",
    BackendStore.UNKNOWN: "the backend",
}

_FIXED = {
    Kind.RELEASED_MEANWHILE: (
        "Terraform was refused by a lock, and when it looked who held it, the lock was gone. Run the plan again. If it "
        "fails the same way each time, the store refuses without a lock, as some S3-compatible stores do when a "
        "deleted lockfile left a delete marker."
    ),
    Kind.TABLE_MISSING: (
        "The DynamoDB lock table does not exist where Terraform looks for it, so no lock could be taken: nobody holds "
        "one there. Check the table's name, the region and the account before anything else; create the table only "
        "when all three are right."
    ),
    Kind.BUCKET_MISSING: (
        "The state's S3 bucket does not exist for these credentials. Check the bucket's name, the account and the "
        "region. This is not a lock."
    ),
    Kind.CREDENTIALS: (
        "The backend has no valid AWS identity: credentials are absent, expired or not accepted, or the role cannot be "
        "assumed. Log in again, or check the profile and role that the backend uses; the provider's do not apply to "
        "it. This says nothing about a lock."
    ),
    Kind.THROTTLED: (
        "The store throttled the calls or was unavailable, and Terraform gave up after its attempts. This says nothing "
        "about a lock. Wait a minute and run the plan again; if it stays, look at the table's capacity and the "
        "provider's status page."
    ),
    Kind.DIGEST_MISMATCH: (
        "The state in S3 is not the one whose digest is recorded in DynamoDB: a write was cut off between the two, or "
        "the state was changed by hand. It is not a lock, and an unlock does not help. Wait a minute and run again; if "
        "it stays, find out which version of the state is the right one before the digest is touched."
    ),
    Kind.NOT_INITIALISED: (
        "This directory is not initialised for its backend, so Terraform did not get as far as the lock. Run "
        "`terraform init` with this root's backend arguments, then try again."
    ),
    Kind.BACKEND_CHANGED: (
        "The backend block differs from the one this directory was initialised with, so Terraform did not get as far "
        "as the lock. Find out which of the two is meant before you initialise again: the other one points to another "
        "state."
    ),
    Kind.WRONG_DIRECTORY: (
        "Terraform found no configuration with a remote backend here, so it never looked at the lock. This is the "
        "wrong directory, most of the time. Go to the root module whose backend has the lock's path."
    ),
    Kind.SCHEMA: (
        "The DynamoDB table has another key than Terraform needs: its partition key must be `LockID`, a string, "
        "without a sort key. No lock was taken. Point the backend at the right table; a key cannot be changed, only a "
        "table made anew."
    ),
    Kind.NOT_A_LOCK_ERROR: "This is Terraform's output, and nothing in it is caused by a state lock.",
    Kind.UNKNOWN: "Nothing here is recognised as a state lock's error. Paste the whole output, from `Error:` on.",
}
_RUNBOOKS = {
    Kind.HELD: "state-lock",
    Kind.RELEASED_MEANWHILE: "state-lock",
    Kind.UNREADABLE_LOCK: "state-lock",
    Kind.RELEASE_FAILED: "state-lock",
    Kind.UNLOCK_FAILED: "state-lock",
    Kind.WRONG_DIRECTORY: "state-lock",
    Kind.ACCESS_DENIED: "access-denied",
    Kind.TABLE_MISSING: "table-missing",
    Kind.DIGEST_MISMATCH: "digest-mismatch",
}
_AWS = {BackendStore.DYNAMODB, BackendStore.S3}
_NOT_SAVED = (
    " The state could not be saved either: look for errored.tfstate where that command ran, and push it before "
    "anybody applies."
)


def runbook_for(cause: Cause) -> str | None:
    """The runbook for this cause; None when none fits, as for permissions that are not AWS's."""
    if cause.kind in {Kind.RELEASE_FAILED, Kind.UNLOCK_FAILED} and cause.code is Kind.ACCESS_DENIED:
        return "access-denied" if cause.store in _AWS else "state-lock"
    if cause.kind is Kind.ACCESS_DENIED and cause.store not in _AWS | {BackendStore.UNKNOWN}:
        return None
    return _RUNBOOKS.get(cause.kind)


def explain(cause: Cause, passage: Passage, locks: tuple[ReportedLock, ...], *, unsaved: bool) -> str:
    """The explanation of an error."""
    match cause.kind:
        case Kind.HELD:
            text = _held(cause, locks)
        case Kind.UNREADABLE_LOCK:
            text = _unreadable(cause)
        case Kind.ACCESS_DENIED:
            text = _denied(cause, passage, locks)
        case Kind.RELEASE_FAILED:
            text = _release_failed(cause, passage)
        case Kind.UNLOCK_FAILED:
            text = _unlock_failed(passage)
        case Kind.NOT_A_LOCK_ERROR if cause.code is Kind.NOT_A_LOCK_ERROR:
            text = (
                f"Terraform could not work with {STORE_NAMES[cause.store]}, for a reason that is not a lock: its "
                "message names it. It may be the network, a state that cannot be read, or a workspace that this "
                "identity does not see."
            )
        case Kind.UNKNOWN if locks:
            text = (
                "The text shows a lock but not the error that came with it, and the error decides what it means. Paste "
                "the whole output, from `Error:` on, or look at the lock itself."
            )
        case Kind.UNKNOWN if passage.operation is Operation.ACQUIRE:
            text = (
                "Terraform could not take the state lock, for a reason that is not known here. That alone does not "
                "mean that somebody holds it: read the message, and look at the lock itself."
            )
        case _:
            text = _FIXED[cause.kind]
    if cause.orphan:
        text += " The lockfile that this run had just written could not be removed and may still be there."
    return text + (_NOT_SAVED if unsaved else "")


def _held(cause: Cause, locks: tuple[ReportedLock, ...]) -> str:
    where = STORE_NAMES[cause.store]
    if cause.store in {BackendStore.PG, BackendStore.REMOTE}:
        return (
            f"The lock is taken ({where}). The lock shown describes the command that was refused, not the holder: this "
            "backend does not say who holds it. Look in the backend itself before anything is released."
        )
    text = f"Somebody holds the lock ({where}), so Terraform changed nothing. "
    if locks and locks[-1].who:
        what = one_line((locks[-1].operation or "").removeprefix("OperationType"), 40) or "an operation"
        text += f"The lock names {one_line(locks[-1].who, 120)}, {what}. "
    if cause.store is BackendStore.HTTP:
        text += (
            "Terraform before 1.15 shows the command that was refused here, not the holder: ask the server who holds "
            "it. "
        )
    if cause.reading_denied:
        text += (
            "These credentials may not read whose it is (GetItem, or GetObject on the lockfile, was denied), so they "
            "cannot force-unlock it either. Use an identity that may read the lock. "
        )
    if cause.store in {BackendStore.LOCAL, BackendStore.PG, BackendStore.CONSUL}:
        text += "Such a lock ends with the process or session that holds it: find that. "
    return text + "Find out whether that run is alive before you release anything; if it is, wait."


def _unreadable(cause: Cause) -> str:
    return (
        f"Terraform was refused by a lock in {STORE_NAMES[cause.store]} and could not read whose it is. Either the "
        "lock left in between, or it is there without readable content, which no force-unlock can remove. The text is "
        "the same for both: look at the lock itself, or run the plan once more."
    )


def _denied(cause: Cause, passage: Passage, locks: tuple[ReportedLock, ...]) -> str:
    if cause.store is BackendStore.LOCAL:
        return (
            "The state file or its directory cannot be written by this user, so no lock could be taken. It is not a "
            "lock: check the file's owner and mode."
        )
    if cause.deleting:
        return (
            f"The call that removes the lock ({STORE_NAMES[cause.store]}) was denied, so the lock is still there. An "
            "identity that may take locks and not delete them leaves one behind each time: grant "
            "dynamodb:DeleteItem, or s3:DeleteObject on the lockfile, and release this lock with an identity that has "
            "it."
        )
    text = (
        f"The credentials that the backend uses were denied a call to {STORE_NAMES[cause.store]}. That is a missing "
        "permission, not a lock: the error names the identity and the action. "
    )
    if locks and passage.operation is not Operation.UNLOCK:
        text += "The lock shown was read on the way and does not explain the error; somebody may hold it all the same. "
    return text + "Grant the action, or use the identity that this state is meant for."


def _release_failed(cause: Cause, passage: Passage) -> str:
    if "doesnotmatch" in passage.cause:
        return (
            "The command did its work, and at the end found another lock in place of its own: somebody force-unlocked "
            "it while it ran, and a second run took the lock. Do not release the lock shown; two runs may have "
            "written to the state, so compare the state's versions."
        )
    text = (
        "The command ran, and then could not release its own lock. The lock is most likely still there, and every next "
        "run will be refused by it. "
    )
    if cause.code is Kind.ACCESS_DENIED:
        text += (
            "A permission is missing (DeleteItem or GetItem on the table, DeleteObject or GetObject on the lockfile), "
            "so each run of this identity leaves a lock: grant it, or this comes back. "
        )
    elif any(words in passage.cause for words in ("unexpectedendofjson", "nosuchkey", "nolockinfofound")):
        text += (
            "It may also have been removed by somebody while the command ran: look who did, and what else ran then. "
        )
    return text + "Look at the lock; when it carries this command's ID, and that command has ended, release it."


def _unlock_failed(passage: Passage) -> str:
    words = passage.cause
    if "doesnotmatch" in words:
        text = (
            "The lock in place has another ID than the one given, so nothing was released. Somebody else may have "
            "taken it since: look at the lock that is there now, and start again with that one."
        )
    elif "unexpectedendofjson" in words or "invalidcharacter" in words or "lockinfostruct" in words:
        text = (
            "Force-unlock could not read the lock. Either there is none under this name (also in the wrong workspace "
            "or for the wrong key), or its content is unreadable, which force-unlock can never remove. Look at the "
            "lock itself."
        )
    elif "nosuchkey" in words or "nolockinfofound" in words:
        text = (
            "There was no lock under this name. Check workspace, key, account and region before you take it for "
            "released."
        )
    elif "conditionalcheckfailed" in words:
        text = (
            "The lock was read but not deleted, because it no longer matched: it changed hands, or its content is not "
            "written the way OpenTofu writes it. Look at the lock again."
        )
    else:
        text = "Force-unlock did not release anything. Read its message, then look at the lock itself."
    if ("failedtounlocks3" in words) != ("failedtounlockdynamodb" in words) and "unlockboth" not in words:
        text += " This backend locks in two stores, and the other half was released: look at both again."
    return text
