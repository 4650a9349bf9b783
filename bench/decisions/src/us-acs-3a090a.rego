# The rule us-acs-3a090a of rules/us/chips.cedar in Rego. What Causeway works out itself is given here: the groups of each
# country on the day, the ultimate parents' countries, the figures of the chip.
package acs

import rego.v1

default license_required := false

license_required if {
	listed_place
	strict
	not licence
	not nac
}

license_required if {
	input.day < 20240404
	milder
	not licence
	not nac
}

license_required if {
	input.day >= 20240404
	milder
	not licence
	not dcveu
	not aca
}

in_force if {
	input.day >= 20231117
	input.act in {"export", "reexport", "export_and_dataset"}
}

upper if {
	in_force
	input.chip.tpp >= 4800
}

upper if {
	in_force
	input.chip.tpp >= 1600
	input.chip.tpp >= 5.92 * input.chip.die_area
	input.chip.datacenter
}

lower if {
	input.chip.datacenter
	input.chip.tpp >= 2400
	input.chip.tpp < 4800
	input.chip.tpp >= 1.6 * input.chip.die_area
	input.chip.tpp < 5.92 * input.chip.die_area
}

lower if {
	input.chip.datacenter
	input.chip.tpp >= 1600
	input.chip.tpp < 4800
	input.chip.tpp >= 3.2 * input.chip.die_area
	input.chip.tpp < 5.92 * input.chip.die_area
}

in_any(groups, wanted) if {
	some group in groups
	group in wanted
}

outside_allies if not in_any(input.to, {"A:5", "A:6"})

listed_place if {
	upper
	in_any(input.to, {"D:1", "D:4", "D:5", "MO"})
	outside_allies
}

strict if in_any(input.to, {"D:5", "MO"})

strict if party_of_concern

milder if {
	upper
	in_any(input.to, {"D:1", "D:4"})
	not in_any(input.to, {"D:5", "MO", "A:5", "A:6"})
	not party_of_concern
}

party_of_concern if {
	some party in input.recipients
	in_any(party.hq, {"D:5", "MO"})
}

party_of_concern if {
	some party in input.recipients
	in_any(party.parent, {"D:5", "MO"})
}

on_bis_list if {
	some party in input.recipients
	in_any(party.listed, {"entity_list", "meu"})
}

exception_item if lower

exception_item if {
	upper
	not input.chip.datacenter
}

licence if "BIS_LICENCE" in input.authorisations

nac if {
	"NAC" in input.authorisations
	exception_item
	input.end_use == "civil"
	not on_bis_list
}

aca if {
	"ACA" in input.authorisations
	exception_item
	input.end_use == "civil"
	not on_bis_list
}

dcveu if {
	"DCVEU" in input.authorisations
	input.end_use == "civil"
}
