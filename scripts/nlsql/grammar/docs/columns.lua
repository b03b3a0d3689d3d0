--- columns: facts about each column of a table.

local style = require "nlsql.grammar.docs.style"
local words = require "nlsql.grammar.words"

local columns = {}

local code, list = style.code, style.list

local function is_view(t) return t.kind == "view" or t.kind == "materialised view" end

--- A type that the column has not.
local OTHER = { N = "text", S = "integer", D = "boolean", B = "date" }

local function its_type(column)
  if column.base_type ~= column.type then
    return ("of type %s, a domain over %s"):format(code(column.type), code(column.base_type))
  elseif column.labels then
    return ("of the enum type %s"):format(code(column.type))
  end
  return "of type " .. code(column.type)
end

local function type_of(world, column)
  local c, ref = code(column.name), world.t.reference
  local at = world.style:column(ref, column.name)
  local wrong = OTHER[column.category] or "integer"
  world.add {
    { question = ("What is the data type of %s?"):format(at), answer = ("%s is %s."):format(c, its_type(column)),
      wrong = ("%s is of type %s."):format(c, code(wrong)) },
    { question = ("Which type does %s have?"):format(world.style:column(ref, column.name)),
      answer = code(column.type) .. ".", wrong = code(wrong) .. "." },
    { question = ("How is %s stored?"):format(world.style:column(ref, column.name)),
      answer = ("It is stored as %s."):format(code(column.type)),
      wrong = ("It is stored as %s."):format(code(wrong)) },
  }
end

local function null_of(world, column)
  local t, c = world.t, code(column.name)
  if is_view(t) then return end
  local open = not column.not_null
  local firm, free = ("%s is not null."):format(c), ("%s may be null."):format(c)
  world.add {
    { question = ("Can %s be null?"):format(world.style:column(t.reference, column.name)),
      answer = open and "Yes." or ("No, %s"):format(firm),
      wrong = open and "No." or ("Yes, %s"):format(free) },
    { question = ("Is %s required?"):format(world.style:column(t.reference, column.name)),
      answer = open and ("No, it is nullable.") or "Yes, it is not null.",
        wrong = open and "Yes." or "No, it may be null." },
    { question = ("Must each row of %s have a value for %s?"):format(world.style:table(t.reference), c),
      answer = open and ("No, %s"):format(free) or ("Yes, %s"):format(firm),
        wrong = open and ("Yes, %s"):format(firm) or ("No, %s"):format(free) },
  }
end

local function edge_with(world, name)
  for _, edge in ipairs(world.out) do
    for i, own in ipairs(edge.columns) do
      if own == name then return edge, edge.referred_columns[i] end
    end
  end
end

--- How people call what the column holds.
local function phrase_of(world, column)
  local edge = edge_with(world, column.name)
  local said = words.noun_phrase(column.comment, 4)
  if said then return said end
  if edge and #edge.columns == 1 and edge.role then return edge.role end
  return words.humanise(column.name)
end

local function meaning_of(world, column)
  local t, T, c = world.t, world.style:table(world.t.reference), code(column.name)
  local phrase = phrase_of(world, column)
  local noun = world.lexicon.nouns[t.reference]
  local answer
  local said = column.comment and style.comment(column.comment)
  if said then
    answer = words.noun_phrase(column.comment, 4) and ("It holds the %s."):format(said) or style.capital(said) .. "."
  elseif edge_with(world, column.name) and phrase ~= "" then
    answer = ("It says which %s the %s has."):format(phrase, noun)
  elseif column.category == "B" then
    answer = ("It is true where this holds for the %s: %s."):format(noun, phrase)
  elseif phrase:sub(1, #noun + 1) == noun .. " " then
    answer = ("It holds the %s."):format(phrase)
  else
    answer = ("It holds the %s of the %s."):format(phrase, noun)
  end
  world.add {
    { question = ("What does %s hold?"):format(world.style:column(t.reference, column.name)), answer = answer },
    { question = ("What is the meaning of %s?"):format(world.style:column(t.reference, column.name)), answer = answer },
    { question = ("What is %s in %s for?"):format(c, T), answer = answer },
  }
  if column.category == "B" and not column.comment then return end
  world.phrases[phrase] = (world.phrases[phrase] or 0) + 1
  world.later[#world.later + 1] = function()
    if world.phrases[phrase] > 1 or #phrase < 3 then return end
    world.add {
      { question = ("Which column of %s holds the %s?"):format(T, phrase), answer = ("The %s column."):format(c) },
      { question = ("Where in %s do I find the %s?"):format(T, phrase), answer = ("In the column %s."):format(c) },
    }
  end
  local unit = column.comment and column.comment:match("^[^;]*, in ([%l][%l ]+)%f[;%z]")
  if unit then
    world.add {
      { question = ("In which unit is %s given?"):format(world.style:column(t.reference, column.name)),
        answer = ("In %s."):format(unit) },
      { question = ("What unit do the values of %s have?"):format(world.style:column(t.reference, column.name)),
        answer = ("They are in %s."):format(unit) },
    }
  end
end

--- A word that is no label.
local function no_label(labels)
  for _, word in ipairs { "archived", "unknown", "suspended" } do
    local free = true
    for _, label in ipairs(labels) do free = free and label ~= word end
    if free then return word end
  end
  return labels[1] .. "x"
end

local function labels_of(world, column)
  local labels = column.labels
  if not labels or #labels > 30 then return end
  local ref, c = world.t.reference, code(column.name)
  world.add {
    { question = ("Which values can %s take?"):format(world.style:column(ref, column.name)),
      answer = ("The values of %s are %s."):format(c, list(labels)),
      wrong = ("%s can be %s or %s."):format(c, code(labels[1]), code(no_label(labels))) },
    { question = ("What are the labels of %s?"):format(world.style:column(ref, column.name)),
      answer = ("%s is one of %s."):format(c, (list(labels):gsub(" and (`[^`]*`)$", " or %1"))) },
    { question = ("How many different values does the type of %s allow?"):format(world.style:column(ref, column.name)),
      answer = ("%d: %s."):format(#labels, list(labels)) },
  }
  world.add {
    { question = ("Which is the first label of the enum behind %s?"):format(world.style:column(ref, column.name)),
      answer = ("It is %s."):format(code(labels[1])) },
    { question = ("Which is the last label of the enum behind %s?"):format(world.style:column(ref, column.name)),
      answer = ("It is %s."):format(code(labels[#labels])) },
  }
end

local function default_of(world, column)
  local t, c = world.t, code(column.name)
  if is_view(t) or column.identity or column.generated then return end
  local at = world.style:column(t.reference, column.name)
  if column.default then
    world.add {
      { question = ("What is the default of %s?"):format(at),
        answer = ("%s has a default of %s."):format(c, code(column.default)),
        wrong = ("%s has no default."):format(c) },
      { question = ("What does %s become where an INSERT leaves it out?"):format(c .. " of "
        .. world.style:table(t.reference)),
        answer = ("It becomes its default, %s."):format(code(column.default)) },
    }
  else
    world.add_rare("no default", {
      { question = ("Does %s have a default value?"):format(at), answer = ("No, %s has no default."):format(c),
        wrong = ("Yes, %s has a default of `0`."):format(c) },
    })
  end
end

local function key_part(world, column)
  local t = world.t
  if not t.primary then return end
  local inside = false
  for _, name in ipairs(t.primary) do inside = inside or name == column.name end
  local at = world.style:column(t.reference, column.name)
  local answer = inside and (#t.primary == 1 and "Yes, it is the primary key."
    or "Yes, it is part of the composite primary key.")
    or ("No, the primary key of %s is %s."):format(world.style:table(t.reference), list(t.primary))
  local fact = { { question = ("Is %s part of the primary key?"):format(at), answer = answer,
    wrong = inside and "No." or "Yes." } }
  if inside then world.add(fact) else world.add_rare("no key", fact) end
end

local function target_of(world, column)
  local t, c = world.t, code(column.name)
  local edge, referred = edge_with(world, column.name)
  local at = world.style:column(t.reference, column.name)
  if is_view(t) then return end
  if not edge then
    world.add_rare("no foreign key",
      { { question = ("Is %s a foreign key?"):format(at), answer = ("No, %s is not a foreign key."):format(c),
        wrong = "Yes." } })
    return
  end
  local to = world.style:table(edge.to)
  local other = world.others[1] and ("%s references %s."):format(at, world.style:table(world.draw:pick(world.others)))
    or nil
  other = other and style.capital(other)
  world.add {
    { question = ("Which table does %s reference?"):format(at), answer = ("It references %s."):format(to),
      wrong = other },
    { question = ("What does %s refer to?"):format(world.style:column(t.reference, column.name)),
      answer = ("It refers to the %s column of %s."):format(code(referred), to), wrong = other },
    { question = ("Is %s a foreign key?"):format(world.style:column(t.reference, column.name)),
      answer = ("Yes, it references %s in %s."):format(code(referred), to), wrong = "No." },
  }
end

--- Columns beyond which a table is too wide for every question about each.
local WIDE = 300

--- Adds what there is to say of each column.
---@param world nlsql.DocWorld
function columns.add(world)
  world.phrases, world.later = {}, {}
  for i, column in ipairs(world.t.columns) do
    if i > WIDE then break end
    type_of(world, column)
    null_of(world, column)
    meaning_of(world, column)
    labels_of(world, column)
    default_of(world, column)
    key_part(world, column)
    target_of(world, column)
  end
  for _, add in ipairs(world.later) do add() end
end

return columns
