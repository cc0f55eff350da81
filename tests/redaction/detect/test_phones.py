import pytest

from .finding import of_type


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("call +49 171 1234567 now", "+49 171 1234567"),
        ("+44 (0)20 7946 0958", "+44 (0)20 7946 0958"),
        ("WhatsApp 0049 171 1234567", "0049 171 1234567"),
        ("+420 64-11802472", "+420 64-11802472"),
        ("tel:+1-816-555-1212;ext=42", "+1-816-555-1212;ext=42"),
        ("(212) 555-0187 x12", "(212) 555-0187 x12"),
        ("(415)555-0132", "(415)555-0132"),
        ("1-800-555-0199", "1-800-555-0199"),
        ("020 7946 0958", "020 7946 0958"),
        ("030/1234567", "030/1234567"),
        ("06 12 34 56 78", "06 12 34 56 78"),
        ("09171234567", "09171234567"),
        ("0917-123-4567", "0917-123-4567"),
        ("0 532 123 45 67", "0 532 123 45 67"),
        ("532.123.45.67", "532.123.45.67"),
        ("010-1234-5678", "010-1234-5678"),
        ("081-234-5678", "081-234-5678"),
        ("8 (912) 345-67-89", "8 (912) 345-67-89"),
        ("138 1234 5678", "138 1234 5678"),
    ],
)
def test_numbers_of_many_countries_are_found_by_their_form(text, number):
    assert of_type("PHONE", text) == [number]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Tel.: 555 0187", "555 0187"),
        ("They're not answering at 78 651 450", "78 651 450"),
        ("Can someone call me on 9472 7916?", "9472 7916"),
        ("Desk: 5551234567 ext 9", "5551234567 ext 9"),
        ("My CN number is 13812345678", "13812345678"),
        ("my mobile no. is 9876543210", "9876543210"),
        ("416 60 039 office", "416 60 039"),
        ('{"phone_number": "5551234567"}', "5551234567"),
        ("Móvil 612 345 678", "612 345 678"),
        ("Téléphone : 2212 3456", "2212 3456"),
        ("Contact: Jane Doe, 12345678", "12345678"),
    ],
)
def test_a_bare_number_is_found_by_the_words_beside_it(text, number):
    assert of_type("PHONE", text) == [number]


@pytest.mark.parametrize("separator", ["/", " / ", "\n", " "])
def test_two_numbers_in_a_row_are_two(separator):
    assert of_type("PHONE", f"415-555-0132{separator}415-555-0133") == ["415-555-0132", "415-555-0133"]


@pytest.mark.parametrize(
    "text",
    [
        "192.168.0.0/16, port 8080, 2^32-1, 3.4028235e38, ports 49152-65535",
        "2026-11-22T19:07:55.123456Z 22.11.2026 11/22/2026 2020-2024 1763838475123456789",
        "0101 1010 0011 1100 and 1.000.000 and 10 000 000 bytes, 0,05081373133",
        "sets of 200 300 4000 and 512 1024 2048 4096 items",
        "the phone has 12345678 pixels; mobile users: 20 000 000, phone calls per day: 3 500 000",
        "call volume 2000000; number of calls 1234567; desk research 2020-2024; office 365 2019",
        "order number 12345678, account number is 1234567890, ISBN 0-306-40615-2",
        "ZIP 94105, 12345678901, 1234567890, 15053212345678",
        "550e8400-e29b-41d4-a716-446655440000 4bf92f3577b34da6a3ce929d0e0e4736",
        "(2011) 123-456, pp. 1234-1245, doi:10.1145/3290605.3300233",
        "x+12345678, v.1234567 and is415-555-0132",
    ],
)
def test_other_numbers_are_no_telephone_numbers(text):
    assert of_type("PHONE", text) == []


@pytest.mark.parametrize(
    "number", ["212-555-0187", "(212) 555-0187", "0171 2345678", "06 12 34 56 78", "+49 171 2345678"]
)
@pytest.mark.parametrize(
    "around",
    [
        "see 7 {} there",
        "(7) {}",
        "7. {}",
        "#3 {}",
        "$5 {}",
        "2024-01-02 {}",
        "{} (7)",
        "{} 2024",
        "**{}**",
        "_{}_",
        "7\t{}",
    ],
)
def test_a_number_beside_it_hides_no_telephone_number(number, around):
    assert any(number in found for found in of_type("PHONE", around.format(number)))


def test_numbers_behind_a_telephone_number_do_not_hide_it():
    assert "+49 171 2345678" in of_type("PHONE", "+49 171 2345678 42 42")[0]


@pytest.mark.parametrize(
    "text",
    [
        "12 45 120 30 15 and 00 01 02 03 04 05 06 07",
        "10.0.0.1 212.55.10.87 212.55.10.88",
        "2024-01-02 10:20 2024-01-03 7",
        "12,05081373133",
        "1 2 3 100-200 300-400",
    ],
)
def test_tables_of_numbers_hold_no_telephone_number(text):
    assert of_type("PHONE", text) == []


@pytest.mark.parametrize("text", ["call 192.168.0.0/16", "answer: 10.0.0.0/8 is private", "answer 2147483647 rows"])
def test_a_network_is_no_number_whatever_word_stands_before_it(text):
    assert of_type("PHONE", text) == []


@pytest.mark.parametrize(
    "text",
    [
        "test-2ea0f690-a43b-4a6d-a1e2-671708376841",
        "session_07045483-f17b-4766-9377-06461174b813",
        "trace-9af5451a-0769-4476-8738-ba90d05b867a.",
        "EE82893D-AF17-458A-AA86-7DAEAC2A2953",
    ],
)
def test_a_uuid_is_no_number_whatever_touches_it(text):
    assert not any(of_type(kind, text) for kind in ("CREDIT_CARD", "PHONE", "SSN", "IBAN"))
