import pytest

from .finding import of_type


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("born on 12.03.1988 in", "12.03.1988"),
        ("born 3rd of May 1990 in Madrid", "3rd of May 1990"),
        ("He was born in Madrid on 3 May 1990.", "3 May 1990"),
        ("birthday: June 4th, 1992", "June 4th, 1992"),
        ("Date of birth: 18-Jun-1976", "18-Jun-1976"),
        ("D.O.B.: 3.5.90", "3.5.90"),
        ('"birthDate":"1990-01-01T00:00:00Z"', "1990-01-01T00:00:00Z"),
        ('{"dob": "19900503"}', "19900503"),
        ('{"birth_year": 1985}', "1985"),
        ("year of birth: 1985", "1985"),
        ("geboren am 03.05.1990 in Berlin", "03.05.1990"),
        ("Geburtsdatum: 3. März 1990", "3. März 1990"),
        ("née le 1er février 1988", "1er février 1988"),
        ("date de naissance : 12 août 1979", "12 août 1979"),
        ("fecha de nacimiento: 3 de mayo de 1990", "3 de mayo de 1990"),
        ("nata il 4 luglio 1981", "4 luglio 1981"),
        ("data de nascimento: 4 de março de 1981", "4 de março de 1981"),
        ("geboren op 3 mei 1990", "3 mei 1990"),
    ],
)
def test_a_date_of_birth_is_found_in_every_written_form(text, date):
    assert of_type("DOB", text) == [date]


@pytest.mark.parametrize(
    "text",
    [
        "The framework was born in 2010. On 3 May 2012 it was released.",
        "stubborn 1990-01-01 and Adobe 2020-01-01",
        "birthday paradox: 23 people; 1990-01-01",
        "released on 3 May 1990",
        "born to run 3 tests",
    ],
)
def test_other_dates_stay(text):
    assert of_type("DOB", text) == []
