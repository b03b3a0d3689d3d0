--- plain: what plain words of a sentence mean: types, nouns for rows, and names beside "table" and "column".

local pieces = require "nlsql.claims.pieces"
local types = require "nlsql.claims.types"
local words = require "nlsql.grammar.words"

local plain_words = {}

local TABLE_CUES, COLUMN_CUES = pieces.TABLE_CUES, pieces.COLUMN_CUES

--- --- types and nouns ---------------------------------------------------------------------------

local TYPE_CUES = words.set("type types domain enum enumeration datatype")

local function mark_types(self, list)
  local out, at = {}, 1
  while at <= #list do
    local t = list[at]
    local before, behind = out[#out], list[at + 1]
    local kind, stop
    if t.kind == "word" and not t.columns and not t.refs then
      kind, stop = types.spoken(list, at)
      if not kind and self.names.types[t.lower] and (before and (TYPE_CUES[before.lower] or before.lower == "as"
          or before.lower == "of" and out[#out - 1] and TYPE_CUES[out[#out - 1].lower])
          or behind and TYPE_CUES[behind.lower]) then
        kind, stop = self.names:type(t.text), at + 1
      end
    end
    if kind and kind.family == "enum" then -- "the enum type `mood`": the latter says more
      local at_name = list[stop] and list[stop].lower == "type" and stop + 1 or stop
      local name = list[at_name]
      local own = name and (name.ytype
        or not name.columns and self.names.types[name.lower] and self.names:type(name.text))
      if own then kind, stop, t = own, at_name + 1, name end
    end
    if kind then
      out[#out + 1] = { kind = "word", text = kind.written, lower = kind.written:lower(), ytype = kind,
        coded = t.inner or t.coded, call = t.call }
      at = stop
    else
      out[#out + 1] = t
      at = at + 1
    end
  end
  return out
end

--- Nouns of up to this many words are looked for.
local LONGEST = 4

local function mark_nouns(self, list)
  local out, at = {}, 1
  while at <= #list do
    local found, stop
    local parts = {}
    for n = 0, LONGEST - 1 do
      local t = list[at + n]
      if not t or t.kind ~= "word" or t.dotted or t.columns or t.refs or t.ytype then break end
      parts[n + 1] = t.lower
      local ref = self.names.nouns[table.concat(parts, " ")]
      if ref then found, stop = ref, at + n + 1 end
    end
    if found then
      local phrase = table.concat(parts, " ", 1, stop - at)
      out[#out + 1] = { kind = "word", text = phrase, lower = phrase, refs = { found }, noun = true }
      at = stop
    else
      out[#out + 1] = list[at]
      at = at + 1
    end
  end
  return out
end

--- --- plain names beside "table" and "column" ----------------------------------------------------

local GENERAL = words.set([[the a an this that these those each every any all some no one two three both other another
  same first second last
  only new main parent child base source target related referenced referencing referring linked linking join joining
  junction
  bridge lookup look-up association link cross-reference intersection mapping detail details master history audit log
  fact
  dimension reference central core single separate entire whole underlying following above below given own which what
  whose many
  several multiple few single-column database sql postgresql data different corresponding respective primary foreign
  key id
  identifier surrogate natural business composite unique generated computed identity default nullable optional required
  mandatory
  null text numeric date time boolean enum array timestamp integer string json jsonb serial number name value values
  additional
  extra remaining important descriptive status type flag its their your our his her of in on for from to by with and or
  is are has
  not second third fourth fifth left right more most than as into per between through via ordinary regular normal plain
  real
  physical view views table tables column columns row rows field fields key-value look up code note notes comment pair
  another's
  's time-stamp timestamps dates per-row individual certain specific particular line item header transaction
  configuration
  settings staging temporary temp partition partitioned materialized materialised virtual wide narrow small large big
  simple
  possible distinct constraint constraints label common shared matching join-key such pk fk symbol]])

local ENDINGS = { "ing", "ed", "ive", "al", "ary", "able", "ible", "ic", "ous", "ar", "ent", "ant", "ate", "ory", "ly",
  "less", "ful",
  "'s", "est", "en" }

local function is_general(self, word)
  if GENERAL[word] or self.names.words[word] or self.names.words[words.singular(word)] then return true end
  for _, ending in ipairs(ENDINGS) do
    if #word > #ending + 2 and word:sub(-#ending) == ending then return true end
  end
  return word:find("-", 1, true) ~= nil or not word:find("^%l+$")
end

local function plain(t)
  return t and t.kind == "word" and not t.columns and not t.ytype and (not t.refs or t.noun) and not t.dotted
end

local function join_words(list, from, to, with)
  local parts = {}
  for i = from, to do parts[#parts + 1] = list[i].text end
  return table.concat(parts, with)
end

--- The table or column that the words before `at` name: the things found, and where they begin.
local function before_cue(self, list, at, look)
  for n = 3, 1, -1 do
    local good = at - n >= 1
    for i = at - n, at - 1 do good = good and plain(list[i]) end
    if good then
      for _, with in ipairs { " ", "_", "" } do
        local found = look(self, join_words(list, at - n, at - 1, with))
        if found then return found, at - n end
      end
    end
  end
end

local function look_table(self, written)
  local refs = self.names:tables_named(written)
  local noun = not refs and self.names.nouns[written:lower()]
  return refs or noun and { noun } or nil
end

local function look_column(self, written)
  if GENERAL[written:lower()] and written:lower() ~= "name" and written:lower() ~= "status"
      and written:lower() ~= "comment" then
    return nil
  end
  return self.names.columns[written:lower()] and self.names:resolve(written).columns
end

local function unknown_name(self, list, at, kind)
  local t, before = list[at - 1], list[at - 2]
  if not plain(t) or t.noun or not before or before.lower ~= "the" or is_general(self, t.lower) then return end
  if list[at].lower:find("s$") and kind == "column" then return end
  self:fault(("there is no %s %s%s"):format(kind, t.text, self.names:nearest(t.text, self.scope, kind)))
  t.value = t.text
end

local function mark_cued(self, list)
  local at = 1
  while at <= #list do
    local t = list[at]
    local is_table = plain(t) and not t.noun and TABLE_CUES[t.lower]
    local is_column = plain(t) and not t.noun and COLUMN_CUES[t.lower]
    if is_table or is_column then
      local before = list[at - 1]
      if before and (before.marked or before.columns or before.value) then
        before.cue = before.cue or t.lower -- absorbed later
      else
        local found, from = before_cue(self, list, at, is_table and look_table or look_column)
        if found and is_table and t.lower ~= "tables" or found and is_column and not t.lower:find("s$") then
          local made = { kind = "word", text = join_words(list, from, at - 1, " "),
            lower = join_words(list, from, at - 1, " "):lower() }
          if is_table then made.refs = found else made.columns = found end
          for _ = from, at - 1 do table.remove(list, from) end
          table.insert(list, from, made)
          at = from + 1
        else
          unknown_name(self, list, at, is_table and "table" or "column")
        end
      end
      local behind = list[at + 1]
      if plain(behind) and not behind.noun and (is_column and self.names.columns[behind.text:lower()])
          and not GENERAL[behind.lower]
          and not (list[at - 1] and list[at - 1].columns) then
        behind.columns = self.names:resolve(behind.text).columns
      elseif behind and plain(behind) and is_table and t.lower == "table" and self.names.tables[behind.lower]
          and not behind.columns then
        behind.refs, behind.noun = self.names.tables[behind.lower], nil
      end
    end
    at = at + 1
  end
  return list
end

local NO_ITEM = words.set([[
  others other more so etc which all each both it they that and the also among including respectively as with for of
  in where none
]])
local LIST_JOINERS = words.set(", and or & / : ( ) . -")

--- The items of a list that begins at `at`: places of one-word items, and whether what follows goes on.
local function items(list, at)
  local out, to = {}, at
  while list[to] do
    local t, behind = list[to], list[to + 1]
    if t.kind == "mark" or t.lower == "and" or t.lower == "or" then
      if not LIST_JOINERS[t.lower] then break end
    elseif (t.columns or plain(t) and not NO_ITEM[t.lower]) and (not behind or LIST_JOINERS[behind.lower]) then
      out[#out + 1] = to
    else
      break
    end
    to = to + 1
  end
  return out
end

local function in_scope(self, name)
  for _, ref in ipairs(self.scope) do
    if self.names:column(ref, name) then return true end
  end
  return false
end

--- "columns a, b and c": plain words in a list of columns are columns too.
local function mark_listed(self, list)
  for at, t in ipairs(list) do
    if plain(t) and (t.lower == "columns" or t.lower == "fields") then
      local from = at + 1
      while list[from] and (list[from].lower == ":" or list[from].lower == "are" or list[from].lower == "named"
          or list[from].lower == "called") do
        from = from + 1
      end
      local places, known = items(list, from), 0
      for _, i in ipairs(places) do
        if list[i].columns or in_scope(self, list[i].text) then known = known + 1 end
      end
      for _, i in ipairs(known >= 2 and places or {}) do
        local one = list[i]
        if not one.columns and in_scope(self, one.text) then
          one.columns, one.refs, one.noun = self.names:resolve(one.text).columns, nil, nil
        elseif not one.columns and not one.refs then
          self:fault(("there is no column %s%s"):format(one.text, self.names:nearest(one.text, self.scope, "column")))
        end
      end
    end
  end
end

--- "The table has …" begins what is said of the one that the pair is about.
local function mark_the_table(self, list)
  local article, t, behind = list[1], list[2], list[3]
  if #self.refs ~= 1 or not article or article.lower ~= "the" and article.lower ~= "this" or not plain(t)
      or not behind then
    return
  end
  if (t.lower == "table" or t.lower == "view") and not behind.refs and not behind.columns and behind.kind == "word"
      and behind.lower ~= "that"
      and behind.lower ~= "which" and behind.lower ~= "of" then
    t.refs, t.noun, t.text = { self.refs[1] }, true, "the table"
  end
end

local PREDICATES = words.set("is are has have can may must cannot references does stores holds defaults refers")

--- "title is of type text", of the table that the pair is about.
local function mark_subject(self, list, is_question)
  local at = is_question and list[1] and PREDICATES[list[1].lower] and list[2] and list[2].lower == "the" and 2 or 1
  local asked = at == 2
  at = list[at] and (list[at].lower == "the" or list[at].lower == "its") and at + 1 or at
  local t, behind = list[at], list[at + 1]
  if not plain(t) or not behind or not (PREDICATES[behind.lower] or asked and behind.lower ~= "of")
      or GENERAL[t.lower] and not (t.lower == "name" or t.lower == "status") then
    return
  end
  for _, ref in ipairs(self.refs) do
    if self.names:column(ref, t.text) then
      t.columns, t.refs, t.noun = self.names:resolve(t.text).columns, nil, nil
      return
    end
  end
end

--- Says what the plain words of the sentence mean. `note` is called once nouns and cued names are known.
---@param reading nlsql.Reading
---@param list nlsql.Token[]
---@param is_question boolean
---@param note fun(list: nlsql.Token[])
---@return nlsql.Token[]
function plain_words.mark(reading, list, is_question, note)
  list = mark_cued(reading, mark_nouns(reading, mark_types(reading, list)))
  note(list)
  mark_listed(reading, list)
  mark_subject(reading, list, is_question)
  mark_the_table(reading, list)
  return list
end

return plain_words
