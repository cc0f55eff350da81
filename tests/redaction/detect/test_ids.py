import pytest

from .finding import of_type


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("candidate no. AB-12345;", "AB-12345"),
        ("Candidate ID: 20231234", "20231234"),
        ("Matrikelnummer: 03712345", "03712345"),
        ('{"candidate_id": "c-88123"}', "c-88123"),
        ("studentNumber=s1234567", "s1234567"),
        ("Employee #: E-10293", "E-10293"),
        ("the candidate (Jane Doe, AB1234567) wrote", "AB1234567"),
        ("candidate CA-2025-73326 asked", "CA-2025-73326"),
    ],
)
def test_a_code_that_stands_for_a_person_is_found(text, code):
    assert of_type("ID", text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "student_id INT, student id 1001 and student 1002",
        "a candidate key, customer_id, order_no and candidate not 123456",
        "Candidate number 3 of 12000; employee number 1200 people",
        "the candidate knows ISO27001 and RFC2616 and CVE-2024-12345",
        "The candidate opened ticket ARCH-12345 yesterday",
        "candidateId: 550e8400-e29b-41d4-a716-446655440000",
    ],
)
def test_columns_counts_standards_tickets_and_opaque_ids_stay(text):
    assert of_type("ID", text) == []
