SELECT xmlelement(name brand, xmlattributes(brand_id AS id), name), xmlforest(name, founded_in AS year), xmlcomment('x'), xmlpi(name php, 'x') FROM brand
SELECT xmlconcat('<a/>', '<b/>'), xmlroot(xmlparse(document '<a/>'), version '1.0', standalone yes), xmlserialize(content '<a>x</a>'::xml AS text)
SELECT xpath('/a/b/text()', '<a><b>1</b></a>'), xpath_exists('/a', '<a/>'), xmlexists('/a' PASSING BY VALUE '<a/>'), xml_is_well_formed('<a>')
SELECT '<a/>'::xml IS DOCUMENT, xmlparse(content 'x') IS NOT DOCUMENT
SELECT x.b, x.n FROM XMLTABLE('/r/a' PASSING xmlparse(document '<r><a><b>1</b></a><a/></r>') COLUMNS b int PATH 'b' DEFAULT 0, n FOR ORDINALITY) x
SELECT t.* FROM XMLTABLE(XMLNAMESPACES('http://x' AS x), '/x:r' PASSING xmlparse(document '<r xmlns="http://x">1</r>') COLUMNS v text PATH '.' NOT NULL) t
