var e=document.documentElement.lang||"en",n=e==="en"?"en-IE":e;export{n as a};
