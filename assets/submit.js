// Sends the answer of response_mode=form_post on; the button is there for browsers without scripts.
document.getElementById("form-post").submit();
