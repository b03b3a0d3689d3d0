--- tables: facts about a table as a whole.

local style = require "nlsql.grammar.docs.style"
local words = require "nlsql.grammar.words"

local tables = {}

local code, list = style.code, style.list

local function is_view(t) return t.kind == "view" or t.kind == "materialised view" end

local function names_where(t, test)
  local out = {}
  for _, column in ipairs(t.columns) do
    if test(column) then out[#out + 1] = column.name end
  end
  return out
end

local function purpose(world)
  local t, T = world.t, world.style:table(world.t.reference)
  local noun = world.lexicon.nouns[t.reference]
  local answer = t.comment and style.sentence(t.comment) or ("Each row of %s stands for one %s."):format(T, noun)
  world.add {
    { question = ("What does %s hold?"):format(T), answer = answer },
    { question = ("What does one row of %s stand for?"):format(T), answer = answer },
    { question = ("What is %s about?"):format(T), answer = answer },
  }
  local kind = is_view(t) and t.kind or "table"
  world.add {
    { question = ("Is %s a table or a view?"):format(T), answer = ("%s is a %s."):format(T, kind),
      wrong = ("%s is a %s."):format(T, is_view(t) and "table" or "view") },
    { question = ("In which schema is %s?"):format(T),
      answer = ("%s belongs to the schema %s."):format(T, code(t.schema)) },
  }
end

--- Columns of which a list still reads well.
local MANY = 24

local function all_columns(world)
  local t, T = world.t, world.style:table(world.t.reference)
  local n, names, typed = #t.columns, {}, {}
  for i, column in ipairs(t.columns) do
    names[i] = column.name
    typed[i] = ("%s (%s)"):format(code(column.name), column.type)
  end
  world.add {
    { question = ("How many columns does %s have?"):format(T),
      answer = ("%s has %s."):format(T, style.counted(n, "column")),
      wrong = ("%s has %s."):format(T, style.counted(n + 2, "column")) },
    { question = ("What is the number of columns in %s?"):format(T),
      answer = ("There are %d columns in %s."):format(n, T),
      wrong = n > 1 and ("There are %d columns in %s."):format(n + 1, T) or nil },
  }
  if n > MANY then return end
  world.add {
    { question = ("Which columns does %s have?"):format(T),
      answer = ("%s has %s: %s."):format(T, style.counted(n, "column"), list(names)) },
    { question = ("List the columns of %s with their types."):format(T),
      answer = ("The columns of %s are %s."):format(T, words.all(typed)) },
    { question = ("What is stored in %s, column by column?"):format(T),
      answer = ("%s consists of %s."):format(T, words.all(typed)) },
  }
end

local function primary_key(world)
  local t, T = world.t, world.style:table(world.t.reference)
  local key = t.primary
  if not key then
    local thing = is_view(t) and "view" or "table"
    world.add {
      { question = ("What is the primary key of %s?"):format(T), answer = ("%s has no primary key."):format(T) },
      { question = ("Does %s have a primary key?"):format(T), answer = ("No, the %s has none."):format(thing),
        wrong = "Yes." },
    }
    return
  end
  local other
  for _, column in ipairs(t.columns) do
    if not other and not (#key == 1 and key[1] == column.name) then other = column.name end
  end
  local wrong = other and ("The primary key of %s is %s."):format(T, code(other)) or nil
  local together = #key > 1 and ("The primary key is made up of %s together."):format(list(key))
    or ("The primary key is %s."):format(list(key))
  world.add {
    { question = ("What is the primary key of %s?"):format(T),
      answer = ("The primary key of %s is %s."):format(T, list(key)), wrong = wrong },
    { question = ("Which %s the rows of %s?"):format(#key > 1 and "columns together identify" or "column identifies",
      T),
      answer = together, wrong = wrong },
    { question = ("By what is each row of %s told apart from the others?"):format(T),
      answer = ("By its primary key, %s."):format(list(key)) },
  }
  world.add {
    { question = ("Does %s have a composite primary key?"):format(T), wrong = #key > 1 and "No." or "Yes.",
      answer = #key > 1 and ("Yes, it consists of %s."):format(list(key))
        or ("No, %s alone is the primary key."):format(code(key[1])) },
    { question = ("How many columns are in the primary key of %s?"):format(T),
      answer = #key == 1 and ("One: %s."):format(code(key[1]))
      or ("%d: %s."):format(#key, list(key)) },
  }
end

local function unique_keys(world)
  local t, T = world.t, world.style:table(world.t.reference)
  for _, key in ipairs(t.uniques) do
    if #key == 1 then
      world.add {
        { question = ("May two rows of %s have the same %s?"):format(T, code(key[1])),
          answer = ("No, %s must be unique."):format(code(key[1])),
            wrong = ("Yes, %s is not unique."):format(code(key[1])) },
        { question = ("Is %s unique?"):format(world.style:column(t.reference, key[1])),
          answer = "Yes, there is a unique constraint on it.", wrong = "No." },
      }
    else
      world.add {
        { question = ("Which combination of columns must be unique in %s, besides its primary key?"):format(T),
          answer = ("The combination of %s."):format(list(key)) },
        { question = ("May %s repeat a pair of %s?"):format(T, list(key)),
          answer = ("No, there is a unique constraint on %s."):format(list(key)) },
      }
    end
  end
end

local function gaps(world)
  local t, T = world.t, world.style:table(world.t.reference)
  if is_view(t) then return end
  local open = names_where(t, function(column) return not column.not_null end)
  local firm = names_where(t, function(column) return column.not_null end)
  local wrong_open = firm[1] and ("%s may be null."):format(code(firm[#firm])) or nil
  if #open == 0 then
    world.add {
      { question = ("Which columns of %s may be null?"):format(T),
        answer = ("None: all columns of %s are required."):format(T), wrong = wrong_open },
      { question = ("Does %s allow gaps in any column?"):format(T),
        answer = ("No, every column of %s is not null."):format(T), wrong = wrong_open },
    }
  elseif #open <= MANY then
    world.add {
      { question = ("Which columns of %s may be null?"):format(T), answer = style.capital(list(open)) .. ".",
        wrong = firm[1] and ("%s."):format(list { open[1], firm[#firm] }) or nil },
      { question = ("Which columns of %s are optional?"):format(T),
        answer = ("The nullable columns of %s are %s."):format(T, list(open)),
        wrong = wrong_open },
    }
    world.add { { question = ("How many columns of %s may be empty?"):format(T),
      answer = #open == 1 and ("One: %s."):format(code(open[1]))
      or ("%d: %s."):format(#open, list(open)) } }
  end
  if #firm > 0 and #open > 0 and #firm <= MANY then
    world.add {
      { question = ("Which columns of %s are required?"):format(T), answer = list(firm) .. ".",
        wrong = list { firm[1], open[1] } .. "." },
      { question = ("What must every row of %s have a value for?"):format(T),
        answer = ("The not null columns are %s."):format(list(firm)),
        wrong = ("%s is required."):format(code(open[1])) },
    }
  end
end

local FAMILIES = {
  { "D", "dates or times" }, { "B", "yes-or-no values" }, { "N", "numbers" }, { "S", "text" },
    { "E", "one of a fixed list of labels" },
}

local function families(world)
  local t, T = world.t, world.style:table(world.t.reference)
  for _, family in ipairs(FAMILIES) do
    local names = names_where(t, function(column) return column.category == family[1] end)
    if #names > 0 and #names <= MANY then
      world.add {
        { question = ("Which columns of %s hold %s?"):format(T, family[2]), answer = list(names) .. "." },
        { question = ("How many columns of %s hold %s?"):format(T, family[2]),
          answer = #names == 1 and ("One, namely %s."):format(code(names[1]))
            or ("%d, namely %s."):format(#names, list(names)) },
      }
    elseif #names == 0 then
      world.add { { question = ("Does %s have a column that holds %s?"):format(T, family[2]),
        answer = "No, it has none of that kind." } }
    end
  end
end

--- "CHECK ((price > 0))" → "price > 0"
local function bare_check(expression)
  local inner = expression:match("^CHECK %((.*)%)$") or expression
  inner = inner:gsub("%s+", " ")
  return inner:match("^%b()$") and inner:sub(2, -2) or inner
end

local function checks(world)
  local t, T = world.t, world.style:table(world.t.reference)
  for _, check in ipairs(t.checks) do
    local rule = bare_check(check.expression)
    if #rule <= 160 then
      world.add {
        { question = ("What does the check constraint %s on %s require?"):format(code(check.name), T),
          answer = ("That %s holds for every row."):format(code(rule)) },
        { question = ("Which rule does %s enforce in %s?"):format(code(check.name), T),
          answer = ("It is a check constraint: %s."):format(code(rule)) },
      }
    end
  end
  if #t.checks == 0 and not is_view(t) then
    world.add { { question = ("Does %s have check constraints?"):format(T), answer = "No, it has none." } }
  end
end

--- Adds what there is to say of the table.
---@param world nlsql.DocWorld
function tables.add(world)
  purpose(world)
  all_columns(world)
  primary_key(world)
  unique_keys(world)
  gaps(world)
  families(world)
  checks(world)
end

return tables
