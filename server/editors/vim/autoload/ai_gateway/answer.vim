vim9script
# One question, and a page on which its answer appears while it is given.

import autoload './page.vim'
import autoload './server.vim'

var running: dict<dict<any>> = {}
var count = 0
var last_query_id = ''

# Ask a query, whose parameters are those of `ai/query`.
export def Ask(heading: string, params: dict<any>)
  count += 1
  const token = 'ai-gateway-vim-' .. count
  const bufnr = page.OpenPage(heading)
  page.SetPage(bufnr, 1, '# ' .. heading->substitute("\n", "\n# ", 'g') .. "\n\n")
  var answer: dict<any> = {bufnr: bufnr, first: line('$'), text: ''}
  running[token] = answer
  Draw(answer, '*asking …*')
  execute $'nnoremap <buffer> <C-c> <Cmd>call ai_gateway#answer#StopOne("{token}")<CR>'
  execute $'autocmd BufWipeout <buffer> ++once ai_gateway#answer#StopOne("{token}")'
  server.Listen(token, (value) => Hear(token, value))
  answer.Cancel = server.SendRequest(
    'ai/query',
    params->extendnew({partialResultToken: token}),
    (result) => Finish(token, {}, result),
    (error) => Finish(token, error, {}),
  )
enddef

# Write what is known below the question; a note stands under the text.
def Draw(answer: dict<any>, note: string = '')
  const above = answer.text == '' ? '' : answer.text .. "\n\n"
  page.SetPage(answer.bufnr, answer.first, note == '' ? answer.text : above .. "---\n" .. note)
enddef

def Hear(token: string, value: dict<any>)
  var answer = running[token]
  if value.kind == 'started' && answer.text == ''
    Draw(answer, $'*{value.provider} answers …*')
  elseif value.kind == 'delta'
    const is_first = answer.text == ''
    answer.text ..= value.text
    if is_first
      Draw(answer)
    else
      page.Append(answer.bufnr, value.text)
    endif
  elseif value.kind == 'reset'
    answer.text = ''
    Draw(answer, $'*broke off ({value.reason}), starting over …*')
  elseif value.kind == 'exit'
    Finish(token, {message: 'the server has ended'}, {})
  endif
enddef

# The answer is there, or there will be none.
def Finish(token: string, error: dict<any>, result: dict<any>)
  if !running->has_key(token)
    return
  endif
  const answer = running[token]
  Forget(token)
  if !error->empty()
    Draw(answer, "*No answer*\n\n" .. server.ErrorText(error)->substitute('; ', "\n", 'g'))
    server.ShowError({message: 'nobody answered; see the page'})
    return
  endif
  last_query_id = result.query_id
  answer.text = result.response
  Draw(answer, Told(result))
enddef

# Who answered, and which files were kept from them.
def Told(result: dict<any>): string
  const kept = result.left_out->mapnew((_, file) => $'*left out: {file.path} ({file.reason})*')
  return ([$'*{result.byline}*'] + kept)->join("\n")
enddef

def Forget(token: string)
  running->remove(token)
  server.ListenNoMore(token)
  redrawstatus!
enddef

# Stop one answer.
export def StopOne(token: string)
  if running->has_key(token)
    const answer = running[token]
    Forget(token)
    answer.Cancel()
    Draw(answer, '*stopped*')
  endif
enddef

# Stop every answer that is being given.
export def Stop()
  for token in running->keys()
    StopOne(token)
  endfor
enddef

export def IsRunning(): bool
  return !running->empty()
enddef

export def LastQueryId(): string
  return last_query_id
enddef
