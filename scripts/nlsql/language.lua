--- language: is a question written in the letters of the language that was asked for?
---
--- A cheap check of the script, not of the language: what is meant to be German and comes in Chinese falls,
--- what comes in English does not. Values (in quotes or backticks) count for nothing.

local language = {}

--- The blocks of each script's letters.
local SCRIPTS = {
  latin = { { 0x41, 0x5A }, { 0x61, 0x7A }, { 0xAA, 0xAA }, { 0xBA, 0xBA }, { 0xC0, 0x24F }, { 0x1E00, 0x1EFF } },
  greek = { { 0x370, 0x3FF }, { 0x1F00, 0x1FFF } },
  cyrillic = { { 0x400, 0x52F } },
  armenian = { { 0x530, 0x58F } },
  hebrew = { { 0x590, 0x5FF } },
  arabic = { { 0x600, 0x6FF }, { 0x750, 0x77F }, { 0x8A0, 0x8FF }, { 0xFB50, 0xFDFF }, { 0xFE70, 0xFEFF } },
  devanagari = { { 0x900, 0x97F } },
  bengali = { { 0x980, 0x9FF } },
  tamil = { { 0xB80, 0xBFF } },
  thai = { { 0xE00, 0xE7F } },
  georgian = { { 0x10A0, 0x10FF } },
  hangul = { { 0x1100, 0x11FF }, { 0x3130, 0x318F }, { 0xAC00, 0xD7AF } },
  han = { { 0x3400, 0x4DBF }, { 0x4E00, 0x9FFF }, { 0xF900, 0xFAFF }, { 0x20000, 0x3134F } },
  kana = { { 0x3040, 0x30FF } },
}

--- Languages by their English names and ISO codes, with the scripts that they are written in.
local function names(list, ...)
  local scripts = { ... }
  return function(into)
    for name in list:gmatch("%S+") do into[name] = scripts end
  end
end

local LANGUAGES = {} ---@type table<string, string[]>
for _, add in ipairs {
  names([[english en german de deutsch french fr spanish es portuguese pt italian it dutch nl polish pl czech cs slovak sk
    slovene sl croatian hr hungarian hu romanian ro swedish sv norwegian no danish da finnish fi estonian et latvian lv
    lithuanian lt turkish tr vietnamese vi indonesian id malay ms catalan ca albanian sq irish ga welsh cy swahili sw
    tagalog tl icelandic is]], "latin"),
  names("russian ru ukrainian uk bulgarian bg belarusian be macedonian mk kazakh kk mongolian mn", "cyrillic"),
  names("serbian sr", "cyrillic", "latin"),
  names("greek el", "greek"), names("armenian hy", "armenian"), names("georgian ka", "georgian"),
  names("hebrew he yiddish yi", "hebrew"), names("arabic ar persian farsi fa urdu ur", "arabic"),
  names("hindi hi marathi mr nepali ne", "devanagari"), names("bengali bn", "bengali"), names("tamil ta", "tamil"),
  names("thai th", "thai"), names("korean ko", "hangul", "han"), names("chinese mandarin cantonese zh", "han"),
  names("japanese ja", "kana", "han"),
} do add(LANGUAGES) end

local function is_of(code, scripts)
  for _, script in ipairs(scripts) do
    for _, block in ipairs(SCRIPTS[script]) do
      if code >= block[1] and code <= block[2] then return true end
    end
  end
  return false
end

local ALL = {}
for script in pairs(SCRIPTS) do ALL[#ALL + 1] = script end

--- Scripts without spaces between words: there each letter counts, elsewhere each word.
local UNSPACED = { "han", "kana", "thai" }

--- Share of a text's words that must be of the language's script: names of tables stay as they are.
local LEAST = 0.3

--- False where hardly any letter of a question is of the language's script; true where it is, or where
--- nobody can tell.
---@param question string  valid UTF-8
---@param wanted string    "German", "zh", "Brazilian Portuguese"
---@return boolean
function language.fits(question, wanted)
  local scripts
  for word in wanted:lower():gmatch("%a+") do scripts = scripts or LANGUAGES[word] end
  if not scripts then return true end
  local words = question:gsub("'[^']*'", " "):gsub('"[^"]*"', " "):gsub("`[^`]*`", " ")
  local count, own, inside = 0, 0, false
  for _, code in utf8.codes(words) do
    local letter = is_of(code, ALL)
    if letter and (not inside or is_of(code, UNSPACED)) then
      count = count + 1
      if is_of(code, scripts) then own = own + 1 end
    end
    inside = letter
  end
  return count < 2 or own >= LEAST * count
end

--- Takes the pairs out of `found` whose question is not in the language that the settings want, and adds them
--- to what could not be read.
---@param found { question: string }[]
---@param unread { reason: string, text: string? }[]
---@param wanted string?
---@return table found
function language.sift(found, unread, wanted)
  if not wanted then return found end
  local kept = {}
  for _, pair in ipairs(found) do
    if not utf8.len(pair.question) or language.fits(pair.question, wanted) then
      kept[#kept + 1] = pair
    else
      unread[#unread + 1] = { reason = ("the question is not written as %s is"):format(wanted), text = pair.question }
    end
  end
  return kept
end

return language
