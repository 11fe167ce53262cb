;;; emacs_session.el --- What the tests let Emacs do  -*- lexical-binding: t; -*-

;; Each function is a session; it tells JSON values, one in a line, on standard output.

(require 'cl-lib)
(require 'subr-x)

(defvar native-comp-enable-subr-trampolines)
(setq native-comp-enable-subr-trampolines nil) ; Emacs would compile for seconds, for functions that are advised below

(defvar told-to-person nil
  "What was shown in the echo area, the last first.")
(advice-add 'message :before
            (lambda (format &rest arguments)
              (when format (push (apply #'format-message format arguments) told-to-person))))

(defun tell (value)
  "Tell VALUE to the test."
  (send-string-to-terminal (concat (json-serialize value) "\n")))

(defmacro until (condition)
  "Let Emacs work until CONDITION holds."
  `(let ((limit (+ (float-time) 20)))
     (while (not ,condition)
       (when (> (float-time) limit)
         (error "In vain waited for %S" ',condition))
       (accept-process-output nil 0.02))))

(defun go-on ()
  "Wait until the test says to go on."
  (until (file-exists-p "go-on"))
  (delete-file "go-on"))

(defun text-of (buffer)
  "Return the text of BUFFER; nil if there is none of that name."
  (and (get-buffer buffer)
       (with-current-buffer buffer (buffer-substring-no-properties (point-min) (point-max)))))

(defun person-was-told (words)
  "Return what the person was told with WORDS in it."
  (cl-find-if (lambda (line) (string-search words line)) told-to-person))

;;; With ai-gateway.el

(defvar ai-gateway-command)
(defvar flymake-diagnostic-functions)
(declare-function flymake-make-diagnostic "flymake")
(declare-function flymake-diagnostics "flymake")
(declare-function flymake-start "flymake")
(declare-function ai-gateway-mode "ai-gateway")
(declare-function ai-gateway-ask "ai-gateway")
(declare-function ai-gateway-ask-region "ai-gateway")
(declare-function ai-gateway-act "ai-gateway")
(declare-function ai-gateway-cancel "ai-gateway")
(declare-function ai-gateway-explain "ai-gateway")
(declare-function ai-gateway-health "ai-gateway")
(declare-function ai-gateway-reset "ai-gateway")
(declare-function ai-gateway-stop "ai-gateway")

(defun rendered (construct)
  "Return CONSTRUCT as the mode line shows it; `format-mode-line' says nothing in batch mode."
  (pcase construct
    ((pred stringp) (substring-no-properties construct))
    (`(:eval ,form) (rendered (eval form t)))
    ((pred listp) (mapconcat #'rendered construct ""))))

(defun mode-line ()
  "Return what the mode line says of the gateway."
  (rendered global-mode-string))

(defun ask (question)
  "Ask QUESTION, and return the buffer of the answer."
  (ai-gateway-ask question)
  (current-buffer))

(defun answered (buffer)
  "Wait for the end of the answer in BUFFER, and return its text."
  (until (string-search "\n---\n" (text-of buffer)))
  (text-of buffer))

(defun health ()
  "What is said of the tiers."
  (ai-gateway-mode)
  (until (not (string-search "starting" (mode-line))))
  (ai-gateway-health)
  (tell (text-of "*AI Gateway: health*"))
  (until (string-search "openai" (text-of "*AI Gateway: health*")))
  (tell (text-of "*AI Gateway: health*")))

(defun session ()
  "From the first start to the end."
  (tell (mode-line))
  (ai-gateway-mode)
  (tell (mode-line))
  (until (string-search "AI:ok" (mode-line)))
  (ai-gateway-health)
  (until (string-search "openai" (text-of "*AI Gateway: health*")))
  (tell (text-of "*AI Gateway: health*"))
  (let ((buffer (ask "Which city?")))
    (until (string-search "Paris" (text-of buffer)))
    (tell (text-of buffer))
    (tell (with-current-buffer buffer (rendered mode-line-process)))
    (tell (answered buffer))
    (with-current-buffer buffer (ai-gateway-explain)))
  (until (text-of "*AI Gateway: explained*"))
  (tell (text-of "*AI Gateway: explained*"))
  (stop))

(defun stop ()
  "Stop the server, and tell how it ended."
  (let ((server (get-process "ai-gateway")))
    (ai-gateway-mode -1)
    (tell (list :status (symbol-name (process-status server)) :code (process-exit-status server)))))

(defun cancel ()
  "Cancel an answer that comes in, then ask again."
  (let ((buffer (ask "Count on?")))
    (until (string-search "one" (text-of buffer)))
    (with-current-buffer buffer
      (call-interactively (key-binding (kbd "C-c C-k"))))
    (tell (answered buffer)))
  (go-on)
  (tell (answered (ask "And now?")))
  (stop))

(defun kill-answer ()
  "Kill the buffer of an answer that comes in, then ask again."
  (let ((buffer (ask "Count on?")))
    (until (string-search "one" (text-of buffer)))
    (kill-buffer buffer))
  (tell "killed")
  (go-on)
  (tell (answered (ask "And now?")))
  (stop))

(defun unanswered ()
  "Ask in vain, look at the mode line, reset, and ask again."
  (ai-gateway-mode)
  (until (string-search "AI:ok" (mode-line)))
  (tell (answered (ask "Which city?")))
  (answered (ask "Which city?"))
  (until (string-search "AI:down" (mode-line)))
  (tell (mode-line))
  (ai-gateway-reset)
  (until (person-was-told "has reset"))
  (tell (person-was-told "has reset"))
  (until (string-search "AI:ok" (mode-line)))
  (tell (answered (ask "Which city?")))
  (stop))

(defun lose-server ()
  "Lose the server in the middle of an answer, then ask again."
  (let ((buffer (ask "Count on?")))
    (until (string-search "one" (text-of buffer)))
    (signal-process (get-process "ai-gateway") 'KILL)
    (tell (answered buffer)))
  (tell (answered (ask "And now?")))
  (stop))

(defun wait-for-death ()
  "Ask, and wait to be killed."
  (let ((buffer (ask "Count on?")))
    (until (string-search "one" (text-of buffer)))
    (tell "asked")
    (until nil)))

(defun leave ()
  "Leave Emacs in the middle of an answer."
  (let ((buffer (ask "Count on?")))
    (until (string-search "one" (text-of buffer)))
    (tell "asked")
    (kill-emacs 0)))

(defun ask-about-region ()
  "Ask about two lines of a file."
  (find-file "adding.py")
  (goto-char (point-min))
  (ai-gateway-ask-region "What is wrong?" (point) (line-beginning-position 3))
  (tell (answered (current-buffer)))
  (stop))

(defun visit (text)
  "Visit a file with TEXT in it, and return its buffer."
  (with-temp-file "tried.py"
    (insert text))
  (find-file-noselect "tried.py"))

(defun act (title beg end &optional answers)
  "Choose the action TITLE for what is between BEG and END of the current buffer.
Whatever else the person is asked, the next of ANSWERS, which are forms, is what they say."
  (cl-flet ((answer (&rest _) (eval (pop answers) t)))
    (advice-add 'read-string :override #'answer)
    (advice-add 'completing-read :override
                (lambda (_prompt titles &rest _) (or (car (member title titles)) (answer)))))
  (ai-gateway-act beg end))

(defun decide (&optional keys)
  "Wait for changes to be shown, and press KEYS there; kill the buffer if there are none."
  (until (get-buffer "*AI Gateway: changes*"))
  (with-current-buffer "*AI Gateway: changes*"
    (if keys (call-interactively (key-binding (kbd keys))) (kill-buffer))))

(defconst a-byte (string (unibyte-char-to-multibyte #xff))
  "What is no character.")

(defun insert-byte-at (place)
  "Put it in PLACE."
  (goto-char place)
  (insert a-byte))

(defun find-problem (beg end)
  "Let Flymake find a problem between BEG and END."
  (setq-local flymake-diagnostic-functions
              (list (lambda (report &rest _)
                      (funcall report (list (flymake-make-diagnostic (current-buffer) beg end :error "is wrong"))))))
  (flymake-mode)
  (flymake-start)
  (until (flymake-diagnostics)))

(defun of-shown (function)
  "Return what FUNCTION returns in each buffer that can be seen."
  (vconcat (mapcar (lambda (window) (with-current-buffer (window-buffer window) (funcall function))) (window-list))))

(defun scripted (command beg end before meanwhile &optional answers)
  "Use the server of COMMAND for the one thing that it does, after the form BEFORE.
MEANWHILE is a form, too, for when the server has been told to.
Tell the text then, what can be seen, and the text when the last step is undone;
save the text as saved.py."
  (setq ai-gateway-command command)
  (with-current-buffer (find-file-noselect "tried.py")
    (eval before t)
    (act "Do it" beg end answers)
    (eval meanwhile t)
    (until (person-was-told "done"))
    (let ((coding-system-for-write buffer-file-coding-system))
      (write-region nil nil "saved.py" nil 'quiet))
    (tell (list :text (string-replace a-byte "byte" (buffer-string))
                :shown (of-shown #'buffer-name)
                :columns (of-shown (lambda () fill-column))
                :undone (progn (ignore-errors (undo)) (buffer-string))))))

(defun act-with-gateway (title text beg end &optional keys)
  "Choose the action TITLE of the gateway, for what is between BEG and END in a file of TEXT.
Tell the mode line while it is worked on, and the text when it has changed, for
which it may take KEYS."
  (with-current-buffer (visit text)
    (let ((tick (buffer-chars-modified-tick)))
      (ai-gateway-mode)
      (until (string-search "AI:ok" (mode-line)))
      (act title beg end)
      (until (string-search "gpt-4o-mini answers" (mode-line)))
      (tell (mode-line))
      (when keys
        (decide keys))
      (until (/= tick (buffer-chars-modified-tick)))
      (tell (buffer-string))
      (until (not (string-search "[" (mode-line))))))
  (stop))

(defun explain-with-gateway ()
  "Let the gateway explain the first line of a file, and tell what opens."
  (with-current-buffer (visit "x = 1\n")
    (act "Explain" 1 6))
  (let ((name "\\.md\\'"))
    (until (cl-some (lambda (buffer) (string-match-p name buffer)) (of-shown #'buffer-name)))
    (tell (text-of (cl-find-if (lambda (buffer) (string-match-p name (buffer-name buffer))) (buffer-list)))))
  (stop))

(defun cancel-action ()
  "Cancel what the gateway works on."
  (with-current-buffer (visit "x = 1\n")
    (ai-gateway-mode)
    (act "Explain" 1 6)
    (until (string-search "gpt-4o-mini answers" (mode-line)))
    (ai-gateway-cancel))
  (until (not (string-search "[" (mode-line))))
  (tell "cancelled")
  (stop))

;;; With Eglot alone

(declare-function eglot-current-server "eglot")
(declare-function eglot-code-actions "eglot")
(declare-function eglot-shutdown "eglot")
(declare-function jsonrpc-request "jsonrpc")
(declare-function jsonrpc-async-request "jsonrpc")

(defun start-eglot (text)
  "Let Eglot run the gateway for a file of TEXT, as guide.el says."
  (unless (locate-library "eglot")
    (setq load-path (append (file-expand-wildcards "/usr/share/emacs/site-lisp/elpa/*") load-path)))
  (require 'eglot)
  (load-file "guide.el")
  (eval '(cl-defmethod eglot-handle-notification :before
           (_server (_method (eql window/showMessage)) &key message &allow-other-keys)
           (push message told-to-person)))
  (with-temp-file "tried.txt"
    (insert text))
  (switch-to-buffer (find-file-noselect "tried.txt"))
  (call-interactively #'eglot))

(defun act-with-eglot (title)
  "Choose the action TITLE for the whole buffer."
  (let ((last-nonmenu-event ?x)) ; it was no mouse
    (cl-letf (((symbol-function 'completing-read) (lambda (_ titles &rest _) (car (assoc title titles)))))
      (eglot-code-actions (point-min) (point-max) nil t))))

(defun use-eglot (text)
  "Use the gateway with Eglot on a file of TEXT.
Health, a query, an edit, an explanation, and the end in the middle of a query."
  (start-eglot text)
  (let ((server (eglot-current-server)))
    (until (equal "ok" (plist-get (jsonrpc-request server :ai/health nil) :status)))
    (tell (plist-get (jsonrpc-request server :ai/query '(:prompt "Which city?") :timeout 60) :response))
    (tell "next")
    (advice-add 'y-or-n-p :override #'always)
    (let ((tick (buffer-chars-modified-tick)))
      (act-with-eglot "Improve / simplify")
      (until (/= tick (buffer-chars-modified-tick)))
      (tell (buffer-string)))
    (act-with-eglot "Explain")
    (until (or (person-was-told ".md")
               (cl-find-if (lambda (buffer) (string-suffix-p ".md" (buffer-name buffer))) (buffer-list))))
    (tell "explained")
    (go-on)
    (jsonrpc-async-request server :ai/query '(:prompt "Count on?") :error-fn #'ignore :timeout 60)
    (tell "asked")
    (go-on)
    (eglot-shutdown server)
    (tell "shut down")))
