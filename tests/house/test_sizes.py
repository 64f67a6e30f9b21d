"""A file that nobody can hold in mind is two files."""

from tests.house.source import PACKAGE

AIM, MOST = 200, 400
DECLARED: dict[str, str] = {
    "errors.py": "everything that can go wrong, as one tree that is read on one page"
}
"""Files over 400 lines, with the reason why they are one."""


def test_no_file_is_over_the_bound():
    lines = {
        path.relative_to(PACKAGE).as_posix(): path.read_text("utf-8").count("\n")
        for path in PACKAGE.rglob("*.py")
    }
    assert {path: count for path, count in lines.items() if count > MOST}.keys() == DECLARED.keys()
    ordered = sorted(lines.values())
    assert ordered[len(ordered) // 2] <= AIM
