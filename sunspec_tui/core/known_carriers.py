"""Table of radio carriers of known frequency, receivable at the telescope."""

SERVICES_MHZ: dict[str, tuple[float, ...]] = {
    "WWV": (15.0, 20.0, 25.0),
    "CB": (27.185,),
    "ATSC": (54.309441, 60.309441, 66.309441, 76.309441, 82.309441),
    "FM": (87.9,),
}
"""Carriers that can be received in the Owens Valley, by service.

- WWV, Fort Collins: NIST Special Publication 250-67.
- Citizens' band, channel 19, the most used one: 47 CFR 95.963.
- Pilots of digital television, channels 2 to 6: 309.441 kHz above the lower edge (ATSC A/53 part 2).
- FM, channel 200, the lowest: 47 CFR 73.201.

Analogue television ended in 2009 (full power) and 2021 (low power), so its carriers cannot serve as a reference.
"""


CARRIERS_MHZ = tuple(mhz for carriers in SERVICES_MHZ.values() for mhz in carriers)
