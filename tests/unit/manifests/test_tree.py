"""Which files of a tree are looked at."""

from __future__ import annotations

from pathlib import Path

from sshcredential_operator.manifests.tree import files_under


def test_a_tree_is_walked_in_order_and_left_by_no_link(tmp_path: Path) -> None:
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    for file in (outside / "secret", tree / "b" / "x.yaml", tree / "a", tree / ".git" / "config", tree / ".hidden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tree / "link-out").symlink_to(outside / "secret")
    (tree / "folder-out").symlink_to(outside)
    (tree / "link-in").symlink_to("a")
    (tree / "dangling").symlink_to("nothing")
    (tree / "loop").symlink_to(tree)

    assert [str(file.relative_to(tree)) for file in files_under(tree)] == [".hidden", "a", "link-in", "b/x.yaml"]


def test_a_file_is_itself(tmp_path: Path) -> None:
    assert list(files_under(tmp_path / "a.yaml")) == [tmp_path / "a.yaml"]
