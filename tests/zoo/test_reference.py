from zoo_reference import PAGE, page


def test_table_in_the_docs_is_current():
    """Write it again with: python tests/zoo/modules/zoo_reference.py"""
    assert PAGE.read_text(encoding="utf-8") == page()
