vim9script
# Buffers as the server knows them: whole texts, told of when they are needed, and the edits that come back.

import autoload './server.vim'

# The changedtick that was told last, by URI.
var told: dict<number> = {}

export def Forget()
  told = {}
enddef

# The folder that the current buffer belongs to: the next one above with a .git.
export def ProjectRoot(): string
  const found = finddir('.git', expand('%:p:h') .. ';') ?? findfile('.git', expand('%:p:h') .. ';')
  return found == '' ? '' : found->fnamemodify(':p')->substitute('/\.git/\?$', '', '')
enddef

export def UriOfPath(path: string): string
  return 'file://' .. path->substitute('[^A-Za-z0-9/_.~-]', (found) => Encoded(found[0]), 'g')
enddef

def Encoded(character: string): string
  const bytes = range(len(character))->mapnew((_, place) => char2nr(strpart(character, place, 1)))
  return bytes->mapnew((_, byte) => printf('%%%02X', byte))->join('')
enddef

export def PathOfUri(uri: string): string
  return uri->substitute('^file://', '', '')->substitute('%\(\x\x\)', '\=eval(''"\x'' .. submatch(1) .. ''"'')', 'g')
enddef

def Text(bufnr: number): string
  const end = getbufvar(bufnr, '&fileformat') == 'dos' ? "\r\n" : "\n"
  return getbufline(bufnr, 1, '$')->join(end) .. end
enddef

# Tell the server of a buffer as it is now, and give its URI.
export def SyncBuffer(bufnr: number): string
  const uri = UriOfPath(bufname(bufnr)->fnamemodify(':p'))
  const version: number = getbufvar(bufnr, 'changedtick')
  const document = {uri: uri, version: version}
  if !told->has_key(uri)
    const opened = {languageId: getbufvar(bufnr, '&filetype') ?? 'plaintext', text: Text(bufnr)}
    server.NotifyServer('textDocument/didOpen', {textDocument: document->extendnew(opened)})
    execute $'autocmd BufUnload <buffer={bufnr}> ++once ai_gateway#documents#Close("{uri}")'
  elseif told[uri] != version
    server.NotifyServer('textDocument/didChange', {textDocument: document, contentChanges: [{text: Text(bufnr)}]})
  endif
  told[uri] = version
  return uri
enddef

export def Close(uri: string)
  if told->has_key(uri)
    told->remove(uri)
    server.NotifyServer('textDocument/didClose', {textDocument: {uri: uri}})
  endif
enddef

# What a question is about, as `context[]` of `ai/query` has it.
export def Excerpt(first: number, last: number): dict<any>
  var excerpt: dict<any> = {text: getline(first, last)->join("\n")}
  if expand('%') != '' && &buftype == ''
    excerpt->extend({path: expand('%:.'), uri: UriOfPath(expand('%:p'))})
  endif
  return &filetype == '' ? excerpt : excerpt->extend({language_id: &filetype})
enddef

# Make an edit; gives why it could not be made, or an empty text. Nothing is edited then.
export def Apply(edit: dict<any>): string
  const changes = edit->get('documentChanges', [])->copy()->filter((_, change) => !change->has_key('kind'))
  for change in changes
    const uri = change.textDocument.uri
    if told->has_key(uri) && getbufvar(bufadd(PathOfUri(uri)), 'changedtick') != change.textDocument.version
      return 'the buffer has changed meanwhile'
    endif
  endfor
  for change in changes
    ApplyTo(change.textDocument.uri, change.edits)
  endfor
  for [uri, edits] in edit->get('changes', {})->items()
    ApplyTo(uri, edits)
  endfor
  return ''
enddef

def ApplyTo(uri: string, edits: list<dict<any>>)
  const bufnr = bufadd(PathOfUri(uri))
  bufload(bufnr)
  setbufvar(bufnr, '&buflisted', true)
  for edit in edits->copy()->sort((one, other) => other.range.start.line - one.range.start.line)
    Replace(bufnr, edit.range, edit.newText)
  endfor
  if told->has_key(uri)
    SyncBuffer(bufnr)
  endif
enddef

# Replace a range, whose characters are bytes. Lines end where the server says; a range may end behind the last one.
def Replace(bufnr: number, range: dict<any>, text: string)
  const count = getbufinfo(bufnr)[0].linecount
  const before = getbufoneline(bufnr, range.start.line + 1)->strpart(0, range.start.character)
  const after = getbufoneline(bufnr, range.end.line + 1)->strpart(range.end.character)
  var lines = (before .. text .. after)->split('\r\=\n', true)
  if range.end.line >= count && lines[-1] == ''
    lines->remove(-1)
  endif
  appendbufline(bufnr, min([range.end.line + 1, count]), lines)
  deletebufline(bufnr, range.start.line + 1, min([range.end.line + 1, count]))
enddef
