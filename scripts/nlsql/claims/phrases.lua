--- phrases: the words in which a schema is spoken about, many forms of one thing made one symbol.
---
--- "may be null", "is optional" and "allows NULL" all become NULLABLE. Where a symbol has swallowed a
--- "not", it has the opposite meaning, so that no rule has to look for it.

local phrases = {}

local TREE = {}

--- Alternatives in brackets are spelt out: "[can|may] be null".
local function spell(phrase)
  local from, inner, to = phrase:match("()%[([^%]]*)%]()")
  if not from then return { phrase } end
  local out = {}
  for option in (inner .. "|"):gmatch("([^|]*)|") do
    for _, one in ipairs(spell(phrase:sub(1, from - 1) .. option .. phrase:sub(to))) do out[#out + 1] = one end
  end
  return out
end

local function define(symbol, list)
  for _, phrase in ipairs(list) do
    for _, one in ipairs(spell(phrase)) do
      local node = TREE
      for word in one:gmatch("%S+") do
        node[word] = node[word] or {}
        node = node[word]
      end
      node[1] = symbol
    end
  end
end

local NULLS = "[null|nulls|null value|null values|a null|a null value|empty values]"

define("NULLABLE", {
  "nullable", "optional", "[can|may|might|could] [also|] be [null|empty|blank|missing|left empty|left blank|left "
    .. "null|left out|omitted|unset]",
  "[can|may|might|could|allowed to] [contain|hold|have|store|accept|take] " .. NULLS,
  "[allows|allow|accepts|accept|permits|permit|allowing] " .. NULLS,
  NULLS .. " [is|are] [allowed|permitted|accepted|possible]", "not [required|mandatory|compulsory|obligatory]",
    "allowed to be [null|empty]",
  "[does|do] not have to [be filled|have a value|be set]", "[does|do] not require a value",
  "without a not null constraint", "null allowed", "null-able",
  "[no|not|not have a|not have any] not null constraint",
})
define("NOTNULL", {
  "not null", "non-null", "non-nullable", "not-null", "non nullable", "not nullable", "not optional", "mandatory",
    "required", "compulsory", "obligatory", "never null", "never empty",
  "[can|may|must|could|should|might] not [ever|] be [null|empty|blank|missing|left empty|left blank|omitted]",
  "[can|may|could] never be [null|empty|missing]",
  "[can|may|must|does|do] not [contain|hold|have|store|accept|take|allow|permit] [any|] " .. NULLS,
  NULLS .. " [is|are] not [allowed|permitted|accepted]", "[disallows|forbids|rejects|disallow] " .. NULLS, "no nulls",
  "must [always|] [be filled|be filled in|be set|be present|be provided|be given|be specified|have a value|contain a "
    .. "value|hold a value]",
  "not allowed to be [null|empty]", "[has|have|with|carries] [a|] not null constraint",
})
define("PK", { "primary key", "primary-key", "pk", "primary keys" })
define("FK", { "foreign key", "foreign-key", "fk", "foreign keys", "foreign-keys", "foreign key constraint",
  "foreign key constraints",
  "foreign key relationship", "foreign key relationships", "foreign key reference", "foreign key references",
  "foreign-key constraint", "foreign-key relationship" })
define("REF", {
  "references", "reference", "referencing", "reference to", "references to", "[refers|refer|referring] [back|] to",
    "[points|point|pointing] [back|] [to|at]",
  "[foreign key|foreign-key|fk] [to|into]",
  "[foreign key|foreign-key|fk] [column|constraint|reference|relationship|relation|link|] [to|referencing|pointing "
    .. "to|pointing at|referring to|linking to]",
  "[foreign key|foreign-key|fk] [column|constraint|reference|] [that|which] [references|refers to|points to|points "
    .. "at|links to]",
  "[foreign key|foreign-key|fk] [relationship|relation|constraint|reference] [with|to]",
  "[foreign keys|fks] [to|referencing|pointing to]",
})
define("REFBY", {
  "[is|are] [also|] [referenced|referred to|pointed to] [by|from|in]", "referenced by", "referenced from",
})
define("LINKED", {
  "[linked|related|connected|joined|tied|associated] [directly|] [to|with]",
    "[links|relates|connects|joins] [directly|] [to|with]",
  "[link|relate|connect|join] [directly|] [to|with]",
})
define("UNIQUE", { "unique", "unique constraint", "unique index", "unique key", "uniqueness constraint" })
define("MANY", { "many", "several", "multiple", "any number of", "zero or more", "one or more", "zero, one or more",
  "more than one", "zero or many", "one or many" })
define("OWNED", { "belongs to", "belong to" })

--- The sentence with phrases as one token each, that has a `symbol`.
---@param list nlsql.Token[]
---@return nlsql.Token[]
function phrases.fold(list)
  local out, at = {}, 1
  while at <= #list do
    local node, stop, symbol = TREE, nil, nil
    local i = at
    while list[i] do
      local t = list[i]
      node = not (t.columns or t.refs and not t.noun or t.kind == "literal" or t.kind == "quoted" or t.is_rule)
        and node[t.lower] or nil
      if not node then break end
      i = i + 1
      if node[1] then stop, symbol = i, node[1] end
    end
    if stop then
      local first = list[at]
      local written = {}
      for k = at, stop - 1 do written[#written + 1] = list[k].text end
      out[#out + 1] = { kind = "word", text = table.concat(written, " "), lower = first.lower, symbol = symbol,
        call = list[stop - 1].call }
      at = stop
    else
      out[#out + 1] = list[at]
      at = at + 1
    end
  end
  return out
end

return phrases
