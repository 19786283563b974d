"""Where the Sun stands over the telescope, for an archive that sleeps at night.

astropy computes it, from what is installed alone: nothing is ever downloaded. It loads with the first question.
"""

from sunspec_tui.recording import SITE_HEIGHT_M, SITE_LATITUDE_DEG, SITE_LONGITUDE_DEG


def sun_elevation_deg(time_s: float) -> float:
    """Elevation of the Sun's centre above the telescope's horizon in degrees, without refraction.

    Parameters
    ----------
    time_s
        Seconds since 1970 UTC.

    Notes
    -----
    Without tables of the Earth's rotation for that time UT1 is taken for UTC, which is wrong by less than a second:
    0.004 degrees.
    """
    import warnings

    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation, get_sun
    from astropy.time import Time
    from astropy.utils import iers

    site = EarthLocation.from_geodetic(SITE_LONGITUDE_DEG, SITE_LATITUDE_DEG, SITE_HEIGHT_M * units.m)
    with (
        iers.conf.set_temp("auto_download", False),
        iers.conf.set_temp("iers_degraded_accuracy", "ignore"),
        warnings.catch_warnings(),
    ):
        # Of years far ahead nobody knows the leap seconds; to a hundredth of a degree they do not matter.
        warnings.simplefilter("ignore")
        moment = Time(time_s, format="unix", scale="utc")
        return float(get_sun(moment).transform_to(AltAz(obstime=moment, location=site)).alt.deg)
