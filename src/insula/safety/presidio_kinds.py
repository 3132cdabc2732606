"""The kinds that only Presidio's patterns find. Each is the name of Presidio's entity in lower case."""

from __future__ import annotations

PRESIDIO_KINDS: dict[str, str] = {
    "au_medicare": "Australian Medicare number",
    "au_tfn": "Australian tax file number",
    "ca_sin": "Canadian social insurance number",
    "crypto": "Bitcoin address",
    "de_social_security": "German pension insurance number",
    "de_tax_id": "German tax identification number",
    "es_nie": "Spanish identity number of foreigners",
    "es_nif": "Spanish tax and identity number",
    "fi_personal_identity_code": "Finnish personal identity code",
    "in_aadhaar": "Indian Aadhaar number",
    "it_fiscal_code": "Italian fiscal code",
    "kr_rrn": "Korean resident registration number",
    "mac_address": "hardware address of a device",
    "ng_nin": "Nigerian national identification number",
    "pl_pesel": "Polish PESEL number",
    "se_personnummer": "Swedish personal identity number",
    "sg_nric_fin": "Singaporean identity number, NRIC or FIN",
    "th_tnin": "Thai national identity number",
    "tr_national_id": "Turkish identity number",
    "uk_driving_licence": "British driving licence number",
    "uk_nhs": "British NHS number",
    "uk_nino": "British national insurance number",
    "uk_passport": "British passport number",
    "us_itin": "US taxpayer identification number of individuals",
    "us_mbi": "US Medicare beneficiary identifier",
    "us_passport": "US passport number",
    "us_ssn": "US social security number",
    "za_id_number": "South African identity number",
}
