#!/usr/bin/env python3
"""Writes us.yaml, sg.yaml and cn.yaml: one organisation three times, headquartered in three countries.

All parties are made up. What differs is who owns whom, where people and data are, and which chips stand at home; the three places
to rent are the same in each file.
"""

HEAD = """# Written by make.py. All parties are made up; every price says where it was read.
organisation: {own}

parties:
{parties}
  lion:   {{name: Lion City Compute Pte. Ltd., headquarters: SG, listed: none, owners: [{{party: lion-owner, share: 100 %}}], owners_complete: true}}
  lion-owner: {{name: The family that owns Lion City Compute, kind: person, headquarters: SG, listed: none, owners: [], owners_complete: true}}
  strait: {{name: Strait Compute Sdn. Bhd., headquarters: MY, listed: none, owners: [{{party: strait-owner, share: 100 %}}], owners_complete: true}}
  strait-owner: {{name: The family that owns Strait Compute, kind: person, headquarters: MY, listed: none, owners: [], owners_complete: true}}
  prairie: {{name: Prairie Cloud Inc., headquarters: US, listed: none, owners: [{{party: prairie-owner, share: 100 %}}], owners_complete: true}}
  prairie-owner: {{name: The founder of Prairie Cloud, kind: person, headquarters: US, listed: none, owners: [], owners_complete: true}}

presences:
{presences}

sites:
{home_site}  singapore:
    country: SG
    coordinates: {{latitude: 1.29, longitude: 103.85}}
    operator: lion
    engine: {{ssh: {{host: lion, directory: runs}}}}
    encrypted_at_rest: true
    offers:
      - instance: h100x8
        accelerator: H100
        accelerators_per_node: 8
        nodes: 128
        price_per_hour: {{value: 34.00, by: mercatus-ai.com/blog/cloud-gpu-pricing, evidence: 'H100 SXM on demand at hyperscalers, 3.5 to 5.0 a GPU-hour: the middle, times 8', on: 2026-05-01}}
  johor:
    country: MY
    coordinates: {{latitude: 1.46, longitude: 103.76}}
    operator: strait
    engine: {{ssh: {{host: strait, directory: runs}}}}
    encrypted_at_rest: true
    offers:
      - instance: h100x8
        accelerator: H100
        accelerators_per_node: 8
        nodes: 128
        price_per_hour: {{value: 24.00, by: mercatus-ai.com/blog/cloud-gpu-pricing, evidence: 'H100 SXM on demand at specialists, 2.5 to 3.5 a GPU-hour: the middle, times 8', on: 2026-05-01}}
  dallas:
    country: US
    coordinates: {{latitude: 32.78, longitude: -96.81}}
    operator: prairie
    engine: {{ssh: {{host: prairie, directory: runs}}}}
    encrypted_at_rest: true
    offers:
      - instance: h100x8
        accelerator: H100
        accelerators_per_node: 8
        nodes: 128
        price_per_hour: {{value: 19.20, by: Hyperstack's price list, evidence: 'H100-80G-SXM5 in US-1, 2.40 a GPU-hour, times 8', on: 2026-11-24}}

datasets:
  corpus: {{path: corpus, class: none, records: 1000000000, origin: {country}, controller: {own}{important}}}

team: {team}
home: {{country: {country}}}
weights: {{hardware: 1, cost: 1, risk: 1, talent: 1, data: 1}}

workloads:
  seventy:
    model: {own}/seventy
    config: config.json
    tokens: 1.4e12
    sequence_length: 8192
    batch: 512
    precision: bf16
    people: 4
    end_use: civil
    closed: true
    code_from: {country}
    code_entry: free
"""

def company(key, name, country, owner):
    return f"  {key}: {{name: {name}, headquarters: {country}, listed: none, owners: [{{party: {owner}, share: 100 %}}], owners_complete: true}}"

def person(key, name, country):
    return f"  {key}: {{name: {name}, kind: person, headquarters: {country}, listed: none, owners: [], owners_complete: true}}"

def presence(entity, provider, site):
    return f"  - {{entity: {entity}, provider: {provider}, account: {entity}-1, site: {site}}}"

def own_site(name, country, latitude, longitude, operator, offers):
    text = f"""  {name}:
    country: {country}
    coordinates: {{latitude: {latitude}, longitude: {longitude}}}
    operator: {operator}
    engine: {{ssh: {{host: {name}, directory: runs}}}}
    encrypted_at_rest: true
    egress_per_gb: 0
    offers:
"""
    for instance, chip, price, more in offers:
        text += f"      - {{instance: {instance}, accelerator: {chip}, accelerators_per_node: 8, nodes: 128, price_per_hour: {price}{more}}}\n"
    return text

RENTED = [("lion", "singapore"), ("strait", "johor"), ("prairie", "dallas")]

def write(file, **fields):
    with open(file, "w") as out:
        out.write(HEAD.format(**fields))

# Headquartered in the United States: at home is Dallas.
write(
    "us.yaml", own="meadow", country="US", important="", team="{US: 12}", home_site="",
    parties="\n".join([company("meadow", "Meadow Research Inc.", "US", "meadow-owner"), person("meadow-owner", "The founders of Meadow", "US")]),
    presences="\n".join(presence("meadow", provider, site) for provider, site in RENTED),
)
# In Singapore: at home is Singapore.
write(
    "sg.yaml", own="orchid", country="SG", important="", team="{SG: 10, MY: 2}", home_site="",
    parties="\n".join([company("orchid", "Orchid Research Pte. Ltd.", "SG", "orchid-owner"), person("orchid-owner", "The founders of Orchid", "SG")]),
    presences="\n".join(presence("orchid", provider, site) for provider, site in RENTED),
)
# In China, with a company in Singapore that holds the accounts abroad. At home stand chips that a firm there may have.
NO_PRICE = "unknown"
A800 = "{value: 11.20, by: zhitaoyun.cn/2153110.html, evidence: 'A800/A100 class, 8 to 12 yuan a GPU-hour in 2023, a low-grade source: the middle at 7.14 yuan a dollar, times 8', on: 2023-12-31}"
write(
    "cn.yaml", own="jade", country="CN", important=", important: false", team="{CN: 14, SG: 3}",
    home_site=own_site("hangzhou", "CN", 30.29, 120.16, "harbour", [
        ("a800x8", "A800", A800, ", chips_received: 2023-05-01, chips_licence: none_needed"),
        ("h20x8", "H20", NO_PRICE, ", chips_received: 2024-06-01, chips_licence: none_needed"),
        ("910bx8", "Ascend910B", NO_PRICE, ""),
    ]),
    parties="\n".join([
        company("jade", "Jade Research Co.", "CN", "jade-owner"), person("jade-owner", "The founders of Jade", "CN"),
        company("jade-sg", "Jade Research Pte. Ltd.", "SG", "jade"),
        company("harbour", "Harbour Compute Co.", "CN", "harbour-owner"), person("harbour-owner", "The founder of Harbour Compute", "CN"),
    ]),
    presences="\n".join([presence("jade", "harbour", "hangzhou")] + [presence("jade-sg", provider, site) for provider, site in RENTED]),
)
