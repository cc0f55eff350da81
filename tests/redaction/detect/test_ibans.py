import pytest

from .finding import of_type


@pytest.mark.parametrize(
    "text",
    [
        "DE89 3704 0044 0532 0130 00",
        "gb82west12345698765432",
        "VG96VPVG0000012345678901",
        "DE89-3704-0044-0532-0130-00",
        "NO9386011117947",
        "MT84MALT011000012345MTLCAST001S",
    ],
)
def test_an_account_number_is_found_in_any_spacing(text):
    assert of_type("IBAN", f"pay to {text} X today") == [text]


def test_a_number_called_iban_needs_only_its_check_digits():
    assert of_type("IBAN", "IBAN GB75VEQR9663667310068, please") == ["GB75VEQR9663667310068"]
    assert of_type("IBAN", "IBAN GB76VEQR9663667310068, please") == []
    assert of_type("IBAN", "code GB75VEQR9663667310068, please") == []


@pytest.mark.parametrize(
    "text", ["DE88370400440532013000", "xDE89370400440532013000", "ab12" * 16, "DE893704004405320130001"]
)
def test_a_wrong_check_digit_or_a_longer_word_is_none(text):
    assert of_type("IBAN", text) == []


@pytest.mark.parametrize("around", ["_{}_", "__{}__", "7 {} 8", "(7) {}", "7,{},8", "*{}*"])
def test_what_stands_beside_it_hides_no_account(around):
    assert of_type("IBAN", around.format("DE89 3704 0044 0532 0130 00")) == ["DE89 3704 0044 0532 0130 00"]
