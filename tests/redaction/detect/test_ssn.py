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
