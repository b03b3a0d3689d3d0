--- What holds of every reply, whatever stands in it: no reader raises, each gives one of its states,
--- what it takes is whole text, and what it took reads back as the same.
local json = require "nlsql.json"
local replies = require "nlsql.replies"
local text = require "nlsql.text"

local STATES = { truncated = true, empty = true, no_json = true, nothing_usable = true }

local function must(holds, what, value)
  if not holds then error(("does not hold: %s: %q"):format(what, tostring(value)), 2) end
end

local function check_text(value, what)
  must(type(value) == "string" and value:find("%S"), what .. " is text", value)
  must(text.valid_utf8(value), what .. " is UTF-8", value)
  must(not value:find("\0", 1, true), what .. " holds no NUL", value)
end

local function check_state(state, n, what)
  must(state == nil or STATES[state], "the state of " .. what, state)
  must(n == 0 or state == nil or state == "truncated", "the state of what has results", state)
  must(n > 0 or state ~= nil, "without a result there is a state", what)
end

--- A reply arrives as a JSON string, and so as UTF-8: what is not is for the readers to survive only.
local whole

local function check_rejected(rejected)
  for _, one in ipairs(rejected) do
    check_text(one.reason, "a reason")
    must(type(one.text) == "string", "what is shown is text", one.text)
    must(not whole or text.valid_utf8(one.text), "what is shown is UTF-8", one.text)
  end
end

local function check_pairs(read, reply, member)
  local got, state, rejected = read(reply)
  check_state(state, #got, member)
  check_rejected(rejected)
  for _, pair in ipairs(got) do
    check_text(pair.question, "a question")
    check_text(pair[member], member)
    local again = read(assert(json.encode(pair)))
    must(#again == 1 and again[1].question == pair.question and again[1][member] == pair[member],
      "a pair reads back as the same", pair.question .. " | " .. pair[member])
  end
end

local function check_sets(reply)
  local sets, state, rejected = replies.sets(reply)
  check_state(state, #sets, "sets")
  check_rejected(rejected)
  for _, set in ipairs(sets) do
    must(#set > 0, "a set has a table")
    for _, name in ipairs(set) do must(type(name) == "string" and name ~= "", "a name is text", name) end
  end
end

local function check_verdict(reply)
  local review, state = replies.verdict(reply)
  if not review then
    must(STATES[state], "the state of no verdict", state)
    return
  end
  local score = review.score
  must(score == nil or (score >= 0 and score <= 1), "a score is from 0 to 1", score)
  if review.reason then must(review.reason:find("%S"), "a reason says something", review.reason) end
  if review.fixed_sql then check_text(review.fixed_sql, "a repaired query") end
end

return function(reply)
  whole = text.valid_utf8(reply)
  check_pairs(replies.read, reply, "sql")
  check_pairs(replies.answers, reply, "answer")
  check_sets(reply)
  check_verdict(reply)
end
