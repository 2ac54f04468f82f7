"""How the contract tests read a page."""

from __future__ import annotations

from contract.markdown import blocks, code_words, commands, links, table, transcript, without_comment

PAGE = """\
# First
See [that](docs/that.md#part), [there](https://example.test/x) and [above](#first); `word` counts.

```sh
# a remark
make it    # now
kubectl get \\
    pods
```

## Second

| Reason | Meaning |
|---|---|
| `A` | one |
| `B` | two |

| Other | |
|---|---|
| `C` | |

```console
$ kubectl get \\
    pods
no pods
$ true
$ echo `date` | cut -c 1
x

y
```
"""


def test_blocks_know_their_section_and_language() -> None:
    assert [(block.section, block.language) for block in blocks(PAGE)] == [("First", "sh"), ("Second", "console")]


def test_commands_go_on_after_a_backslash_and_remarks_are_none() -> None:
    [block, _] = blocks(PAGE)

    assert commands(block.text) == ["make it    # now", "kubectl get \\\n    pods"]
    assert without_comment("make it    # now") == "make it"


def test_a_transcript_is_commands_and_what_they_said() -> None:
    [_, block] = blocks(PAGE)

    assert transcript(block.text) == [
        ("kubectl get \\\n    pods", "no pods"),
        ("true", ""),
        ("echo `date` | cut -c 1", "x\n\ny"),
    ]


def test_links_into_the_project_are_found() -> None:
    assert links(PAGE) == ["docs/that.md"]


def test_words_in_code_style_are_those_of_the_text() -> None:
    assert code_words(PAGE) == ["word", "A", "B", "C"]


def test_the_rows_of_a_table_are_found_by_its_first_head() -> None:
    assert table(PAGE, "Reason") == [["`A`", "one"], ["`B`", "two"]]
