#!/usr/bin/env python3
"""Seam's official Python SDK against a running hub: the document "Creating an access grant using devices", and what an
application does beside it. A line a step; exit code 0 only if every step holds.

    python3 flow.py ENDPOINT API_KEY

The hub needs two locks that answer.
"""

import sys
import time
import traceback
from datetime import datetime, timedelta, timezone

from seam import Seam, SeamHttpApiError, SeamHttpInvalidInputError, SeamHttpUnauthorizedError

endpoint, api_key = sys.argv[1:3]
seam = Seam(endpoint=endpoint, api_key=api_key)
nobody = "00000000-0000-7000-8000-000000000000"
failed = 0


def in_seconds(seconds):
    """As Python writes it: six digits of a second."""
    at = datetime.now(timezone.utc) + timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def same_moment(one, other):
    """To the millisecond, which is what the hub tells."""
    one, other = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (one, other))
    return abs(one - other) < timedelta(milliseconds=1)


def holds(truth, what):
    if not truth:
        raise AssertionError(f"not so: {what}")


def until(what, ask, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = ask()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds} s in vain: {what}")


def refused(call, error_type=None, status=400, kind=SeamHttpApiError):
    try:
        call()
    except kind as error:
        holds(error.status_code == status, f"status {status}: {error.status_code}")
        holds(error_type is None or error.code == error_type, f"{error_type}: {error.code}")
        return error
    raise AssertionError("not so: it is refused")


def step(name, run):
    global failed
    try:
        kept = run()
        print(f"ok      {name}")
        return kept
    except Exception as error:  # whatever it is, the next steps are tried too
        failed += 1
        print(f"FAILED  {name}: {type(error).__name__}: {error}")
        traceback.print_exc()
        return None


def lists_devices():
    devices = [device for device in seam.devices.list() if device.can_program_online_access_codes]
    holds(len(devices) >= 2, "two locks take codes")
    for device in devices:
        found = seam.devices.get(device_id=device.device_id)
        holds(found.display_name == device.display_name and found.properties.online, "the same by its id")
    return [device.device_id for device in devices]


doors = step("devices are listed with what they can do, and each is found by its id", lists_devices)


def makes_a_person():
    made = seam.user_identities.create(full_name="Jane Doe", email_address="jane.python@example.com")
    read = seam.user_identities.get(user_identity_id=made.user_identity_id)
    holds(read.full_name == "Jane Doe" and read.email_address == "jane.python@example.com", "as it was given")
    return made.user_identity_id


jane = step("a user identity is made and read", makes_a_person)


def grants():
    starts_at, ends_at = in_seconds(2), in_seconds(3600)
    made = seam.access_grants.create(
        user_identity_id=jane,
        device_ids=doors,
        requested_access_methods=[{"mode": "code"}],
        starts_at=starts_at,
        ends_at=ends_at,
    )
    holds(same_moment(made.starts_at, starts_at) and same_moment(made.ends_at, ends_at), "its times")
    holds(made.user_identity_id == jane and made.display_name, "whose it is, and a name")
    holds(len(made.requested_access_methods[0].created_access_method_ids) == 1, "its method")
    holds(made.errors == [] and made.warnings == [] and made.pending_mutations == [], "nothing is wrong with it")
    return made


grant = step("a grant for two devices is made", grants)


def issues():
    [access_method_id] = grant.requested_access_methods[0].created_access_method_ids

    def issued():
        read = seam.access_methods.get(access_method_id=access_method_id)
        return read if read.is_issued else None

    method = until("it is issued", issued)
    holds(method.mode == "code" and 4 <= len(method.code) <= 8 and method.issued_at, "a PIN, and when")
    return method


method = step("its access method is issued, and has the code", issues)


def tells():
    since = (datetime.now(timezone.utc) - timedelta(minutes=10)).isoformat()

    def told():
        events = seam.events.list(event_type="access_method.issued", since=since)
        return next((each for each in events if each.access_method_id == method.access_method_id), None)

    event = until("the event", told)
    holds(seam.events.get(event_id=event.event_id).created_at == event.created_at, "the same by its id")
    between = seam.events.list(between=[since, in_seconds(60)], event_types=["access_method.issued"])
    holds(any(each.event_id == event.event_id for each in between), "found between two moments")


step("the event access_method.issued tells of it", tells)


def proves():
    for door in doors:
        until("its code is set", lambda: any(
            code.code == method.code and code.status == "set" for code in seam.access_codes.list(device_id=door)))


step("inside its window every door has the code, proven", proves)


def finds():
    for found in (
        seam.access_grants.list(user_identity_id=jane),
        seam.access_grants.list(access_grant_ids=[grant.access_grant_id]),
    ):
        holds([each.access_grant_id for each in found] == [grant.access_grant_id], "exactly this one")
    ends_at = in_seconds(7200)
    seam.access_grants.update(access_grant_id=grant.access_grant_id, name="Jane's stay", ends_at=ends_at)
    read = seam.access_grants.get(access_grant_id=grant.access_grant_id)
    holds(read.name == "Jane's stay" and same_moment(read.ends_at, ends_at), "its new name and end")


step("a grant is found, and its name and times are changed", finds)


def unlocks():
    attempt = seam.locks.unlock_door(device_id=doors[0])
    holds(attempt.status == "success", "the SDK waits until it is done")
    read = seam.action_attempts.get(action_attempt_id=attempt.action_attempt_id, wait_for_action_attempt=False)
    holds(read.status == "success", "and it stays readable")


step("a door is unlocked, and the attempt stays readable", unlocks)


def pages():
    made = [seam.user_identities.create(full_name=name).user_identity_id for name in ("Ada", "Ben", "Cem", "Dot", "Eve")]
    paginator = seam.create_paginator(seam.user_identities.list, {"limit": 2})
    first, page = paginator.first_page()
    holds(len(first) == 2 and page.has_next_page, "two at first, and there is more")
    all_ids = [each.user_identity_id for each in paginator.flatten()]
    holds(len(set(all_ids)) == len(all_ids) and set(made) <= set(all_ids), "each once")
    for user_identity_id in made:
        seam.user_identities.delete(user_identity_id=user_identity_id)


step("a list comes in pages when asked for, each resource once", pages)


def uses_spaces():
    space = seam.spaces.create(name="Unit 102")
    seam.spaces.add_devices(space_id=space.space_id, device_ids=[doors[0]])
    stay = seam.access_grants.create(
        user_identity_id=jane,
        space_ids=[space.space_id],
        requested_access_methods=[{"mode": "code"}],
        starts_at=in_seconds(600),
        ends_at=in_seconds(1200),
    )
    codes = seam.access_codes.list(access_grant_id=stay.access_grant_id)
    holds([code.device_id for code in codes] == [doors[0]], "the door of the space")
    seam.access_grants.delete(access_grant_id=stay.access_grant_id)
    seam.spaces.delete(space_id=space.space_id)
    refused(lambda: seam.spaces.get(space_id=space.space_id), "space_not_found", 404)


step("a space gathers devices for a grant", uses_spaces)


def refuses():
    refused(lambda: seam.access_grants.get(access_grant_id=nobody), "access_grant_not_found", 404)
    invalid = refused(
        lambda: seam.access_grants.create(user_identity_id=jane, device_ids="front", requested_access_methods="code"),
        "invalid_input",
        kind=SeamHttpInvalidInputError,
    )
    for field in ("device_ids", "requested_access_methods"):
        holds(invalid.get_validation_error_messages(field), f"{field} is named")
    refused(lambda: seam.connect_webviews.create(accepted_providers=["august"]), "not_supported")
    stranger = Seam(endpoint=endpoint, api_key="seam_stranger_stranger_stranger")
    refused(stranger.devices.list, status=401, kind=SeamHttpUnauthorizedError)


step("what is wrong is refused in words, and by the right error", refuses)


def ends():
    seam.access_grants.delete(access_grant_id=grant.access_grant_id)
    refused(lambda: seam.access_grants.get(access_grant_id=grant.access_grant_id), "access_grant_not_found", 404)
    for door in doors:
        until("the code is out of the lock", lambda: all(
            code.code != method.code for code in seam.access_codes.list(device_id=door)))


step("a deleted grant is gone, and its code out of the locks", ends)

print("all hold" if failed == 0 else f"{failed} failed")
sys.exit(1 if failed else 0)
