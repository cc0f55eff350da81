import pytest

from .finding import of_type


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("it is 460-89-9847.", "460-89-9847"),
        ('{"ssn": "111223333"}', "111223333"),
        ("SSN:123-45-6789;DOB:1990-01-01", "123-45-6789"),
        ("social security number is 078 05 1123", "078 05 1123"),
        ("SSN 078.05.1123", "078.05.1123"),
        ("ssn 078-051121", "078-051121"),
        ("Backup SSN 987-65-4321 recorded", "987-65-4321"),
        ("078051121", "078051121"),
    ],
)
def test_a_social_security_number_is_found_by_its_form_or_its_name(text, number):
    assert of_type("SSN", text) == [number]


@pytest.mark.parametrize(
    "text",
    [
        "token 123 45 6789 appears",
        "value 123456789 here",
        "000-12-3456",
        "666-12-3456",
        "123-00-4567",
        "123-45-0000",
        "912-34-5678",
        "078-05-1120",
        "078051120",
        "1123-45-6789",
        "123-45-67890",
        "550e8400-e29b-41d4-a716-446655440000",
        "SSN 000-00-0000",
    ],
)
def test_numbers_that_were_never_issued_and_other_numbers_are_not(text):
    assert of_type("SSN", text) == []


@pytest.mark.parametrize(
    "around",
    [
        "see 7 {} there", "(7) {}", "ADR-7) {}", "7. {}", "#3 {}", "x7 {}", "{} 7", "{}. 42", "2024-01-02 {}", "7/{}",
        "1 2 3 {} 4 5", "1234 {} 5678", "| 7 | {} |", "[1,{},2]", "7 - {}", "**{}**", "_{}_", "`{}`", "7\t{}\t8",
    ],
)  # fmt: skip
def test_a_number_beside_it_hides_no_social_security_number(around):
    assert of_type("SSN", around.format("457-55-5462")) == ["457-55-5462"]


def test_two_social_security_numbers_in_a_row_are_two():
    assert of_type("SSN", "457-55-5462 457-55-5463") == ["457-55-5462", "457-55-5463"]


@pytest.mark.parametrize("text", ["7-457-55-5462", "457-55-5462-7", "x_457-55-5462", "a457-55-5462"])
def test_a_part_of_a_longer_number_is_no_social_security_number(text):
    assert of_type("SSN", text) == []


@pytest.mark.parametrize("hyphen", ["\u2010", "\u2011", "\u2013", "\uff0d", "-\u200b", "\u00ad-"])
def test_other_hyphens_and_unseen_signs_hide_nothing(hyphen):
    text = f"it is 457{hyphen}55{hyphen}5462."
    assert of_type("SSN", text) == [text[6:-1]]


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x966, 0xFF10, 0x1D7CE])
def test_digits_of_other_scripts_hide_nothing(zero):
    number = "457-55-5462".translate({ord("0") + digit: zero + digit for digit in range(10)})
    assert of_type("SSN", f"it is {number}.") == [number]
