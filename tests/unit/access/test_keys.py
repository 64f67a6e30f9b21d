import gc
import hashlib

from antiphon.access.config import KeySettings
from antiphon.access.keys import StaticKeys, digest_of
from antiphon.model.principal import HOME, Principal

KEY = "sk-web-0123456789abcdef"


def keys(**members) -> StaticKeys:
    return StaticKeys([KeySettings.model_validate({"key": KEY, **members})])


def test_a_key_names_its_principal():
    found = keys(team="web", department="sales", user="app", models=["fast"]).find(KEY)
    assert found == Principal(
        key_id=f"static-{hashlib.sha256(KEY.encode()).hexdigest()[:8]}",
        team="web",
        department="sales",
        user="app",
        scopes=frozenset({"inference"}),
        models=frozenset({"fast"}),
        organisation=HOME,
    )
    assert KEY not in found.key_id


def test_bytes_and_text_are_the_same_key():
    assert keys().find(KEY.encode()) is not None
    assert keys().find(KEY) == keys().find(KEY.encode())


def test_what_is_no_key_finds_nobody():
    for other in ("", KEY[:-1], KEY + "x", KEY.upper(), "\udcff", b"\xff\xfe"):
        assert keys().find(other) is None
    assert StaticKeys().find(KEY) is None


def test_the_admin_key_may_do_everything():
    table = StaticKeys(admin=digest_of("ak-admin-1"))
    assert table.find(b"ak-admin-1").scopes == {"inference", "admin"}
    assert len(table) == 1


def test_the_table_holds_no_key():
    table = keys()
    reached = [table]
    for _ in range(4):
        reached = [each for each in gc.get_referents(*reached) if not isinstance(each, type)]
        assert KEY not in reached
        assert KEY.encode() not in reached


def test_a_key_is_not_shown_by_its_settings():
    settings = KeySettings(key=KEY)
    for text in (repr(settings), str(settings), settings.model_dump_json()):
        assert KEY not in text


def test_a_key_with_the_scope_admin_stands_above_all_tenants():
    found = keys(scopes=["admin"]).find(KEY)
    assert found is not None
    assert found.is_root
    assert (found.organisation, found.tenant) == ("", HOME)
    assert not Principal(key_id="x", scopes=frozenset({"admin"}), organisation=HOME).is_root
